/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "held.h"

#include "context_check.h"

#define WAITING_MAX 128 /* two messages in many fragments */

/* After its deletion charon cannot repeat an answer, so there is no hurry to forget it. */
#define ENDED_WAIT_S 30

hasync_spis_t hasync_spis_of(ike_sa_id_t *id)
{
	return (hasync_spis_t){id->get_initiator_spi(id), id->get_responder_spi(id)};
}

bool hasync_spis_of_packet(packet_t *packet, hasync_spis_t *spis)
{
	chunk_t data = packet->get_data(packet);

	if (data.len < HASYNC_IKE_HEADER)
	{
		return FALSE;
	}
	memcpy(spis, data.ptr, sizeof(*spis));
	return TRUE;
}

u_int hasync_spis_hash(hasync_spis_t *spis)
{
	return chunk_hash(chunk_from_thing(*spis));
}

bool hasync_spis_equal(hasync_spis_t *a, hasync_spis_t *b)
{
	return a->initiator == b->initiator && a->responder == b->responder;
}

hasync_held_t *hasync_held_create(hasync_spis_t spis)
{
	hasync_held_t *this;

	INIT(this, .spis = spis, .packets = linked_list_create());
	return this;
}

void hasync_waiting_destroy(hasync_waiting_t *waiting)
{
	waiting->packet->destroy(waiting->packet);
	free(waiting);
}

void hasync_held_destroy(hasync_held_t *this)
{
	this->packets->destroy_function(this->packets, (void *)hasync_waiting_destroy);
	free(this);
}

bool hasync_held_add(hasync_held_t *this, packet_t *packet, timeval_t until)
{
	hasync_waiting_t *waiting;

	if (this->packets->get_count(this->packets) >= WAITING_MAX)
	{
		packet->destroy(packet);
		return FALSE;
	}
	INIT(waiting, .packet = packet, .event = this->unreported ? 0 : this->reported, .until = until);
	this->packets->insert_last(this->packets, waiting);
	return TRUE;
}

static void extend(hasync_waiting_t *waiting)
{
	time_monotonic(&waiting->until);
	waiting->until.tv_sec += ENDED_WAIT_S;
}

void hasync_held_reported(hasync_held_t *this, uint64_t number)
{
	enumerator_t *enumerator = this->packets->create_enumerator(this->packets);
	hasync_waiting_t *waiting;

	this->unreported = FALSE;
	this->reported = number;
	while (enumerator->enumerate(enumerator, &waiting))
	{
		waiting->event = waiting->event ?: number;
		if (this->ended)
		{
			extend(waiting);
		}
	}
	enumerator->destroy(enumerator);
}

void hasync_held_restart(hasync_held_t *this)
{
	enumerator_t *enumerator = this->packets->create_enumerator(this->packets);
	hasync_waiting_t *waiting;

	this->unreported = TRUE;
	this->reported = 0;
	while (enumerator->enumerate(enumerator, &waiting))
	{
		waiting->event = 0;
	}
	enumerator->destroy(enumerator);
}

static void take(hasync_held_t *this, uint64_t first, uint64_t last, linked_list_t *list)
{
	enumerator_t *enumerator = this->packets->create_enumerator(this->packets);
	hasync_waiting_t *waiting;

	while (enumerator->enumerate(enumerator, &waiting))
	{
		if (waiting->event >= first && waiting->event <= last)
		{
			this->packets->remove_at(this->packets, enumerator);
			list->insert_last(list, waiting);
		}
	}
	enumerator->destroy(enumerator);
}

void hasync_held_take_stable(hasync_held_t *this, uint64_t stable, linked_list_t *list)
{
	take(this, 1, stable, list);
}

void hasync_held_take_void(hasync_held_t *this, uint64_t first, uint64_t last, linked_list_t *list)
{
	take(this, first, last, list);
	if (this->reported >= first && this->reported <= last)
	{
		this->unreported = TRUE;
	}
}

bool hasync_held_take_overdue(hasync_held_t *this, const timeval_t *now, linked_list_t *list, timeval_t *next)
{
	enumerator_t *enumerator = this->packets->create_enumerator(this->packets);
	hasync_waiting_t *waiting;
	bool more = FALSE;

	while (enumerator->enumerate(enumerator, &waiting))
	{
		if (timercmp(&waiting->until, now, >))
		{
			more = TRUE;
			*next = timercmp(&waiting->until, next, <) ? waiting->until : *next;
			continue;
		}
		this->packets->remove_at(this->packets, enumerator);
		list->insert_last(list, waiting);
	}
	enumerator->destroy(enumerator);
	return more;
}

bool hasync_held_is_done(const hasync_held_t *this, uint64_t stable)
{
	return !this->packets->get_count(this->packets) &&
		   (this->ended || (!this->unreported && this->reported <= stable));
}
