/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commit.h"

#include <collections/hashtable.h>
#include <processing/jobs/callback_job.h>
#include <threading/mutex.h>

#define IKE_HEADER 28 /* RFC 7296, section 3.1 */
#define EXCHANGE_TYPE 18
#define WAITING_MAX 128 /* packets of one IKE_SA: two messages in many fragments */

typedef struct
{
	uint64_t initiator, responder; /* network order */
} spis_t;

/* What waits of one IKE_SA that has changed. */
typedef struct
{
	spis_t spis;
	bool unreported; /* something has changed since its last report */
	bool ended;
	uint64_t reported;      /* number of the last report; 0: there was none */
	linked_list_t *packets; /* waiting_t* */
} output_t;

typedef struct
{
	packet_t *packet;
	uint64_t event; /* 0: the next report of its IKE_SA */
	timeval_t until;
} waiting_t;

struct hasync_commit_t
{
	sender_t public;
	sender_t *sender; /* charon's own */
	mutex_t *mutex;
	hashtable_t *outputs; /* spis_t* -> output_t*: IKE_SAs with a change that is not stable */
	uint64_t client;
	uint64_t stable;
	uint32_t wait_ms;
	bool available;
	bool closed;
	bool sweeping; /* a job will look for packets whose wait is over */
	hasync_commit_counters_t counters;
};

static u_int hash_spis(spis_t *spis)
{
	return chunk_hash(chunk_from_thing(*spis));
}

static bool equal_spis(spis_t *a, spis_t *b)
{
	return a->initiator == b->initiator && a->responder == b->responder;
}

static spis_t spis_of(ike_sa_id_t *id)
{
	return (spis_t){id->get_initiator_spi(id), id->get_responder_spi(id)};
}

static void waiting_destroy(waiting_t *waiting)
{
	waiting->packet->destroy(waiting->packet);
	free(waiting);
}

static void output_destroy(output_t *output)
{
	output->packets->destroy_function(output->packets, (void *)waiting_destroy);
	free(output);
}

static bool is_done(const hasync_commit_t *this, const output_t *output)
{
	return !output->unreported && output->reported <= this->stable;
}

static void drop_all(hasync_commit_t *this, output_t *output)
{
	this->counters.dropped += output->packets->get_count(output->packets);
	this->outputs->remove(this->outputs, &output->spis);
	output_destroy(output);
}

/* Moves the packets that need not wait to `ready`, and forgets the output if nothing is left to wait for. */
static void take_ready(hasync_commit_t *this, output_t *output, linked_list_t *ready)
{
	enumerator_t *enumerator = output->packets->create_enumerator(output->packets);
	waiting_t *waiting;

	while (enumerator->enumerate(enumerator, &waiting))
	{
		if (waiting->event && waiting->event <= this->stable)
		{
			output->packets->remove_at(output->packets, enumerator);
			ready->insert_last(ready, waiting);
		}
	}
	enumerator->destroy(enumerator);
	if (is_done(this, output) && !output->packets->get_count(output->packets))
	{
		this->outputs->remove(this->outputs, &output->spis);
		output_destroy(output);
	}
}

/* The outputs as they are now: what is done to one may end it. */
static linked_list_t *all_outputs(hasync_commit_t *this)
{
	enumerator_t *enumerator = this->outputs->create_enumerator(this->outputs);
	linked_list_t *all = linked_list_create();
	output_t *output;
	spis_t *spis;

	while (enumerator->enumerate(enumerator, &spis, &output))
	{
		all->insert_last(all, output);
	}
	enumerator->destroy(enumerator);
	return all;
}

/* Not under the lock: charon's sender logs. */
static void send_ready(hasync_commit_t *this, linked_list_t *ready)
{
	waiting_t *waiting;

	while (ready->remove_first(ready, (void **)&waiting) == SUCCESS)
	{
		this->sender->send(this->sender, waiting->packet);
		free(waiting);
	}
	ready->destroy(ready);
}

/* Packets whose wait is over; returns until when the others wait, FALSE if there are none. */
static bool take_overdue(hasync_commit_t *this, output_t *output, const timeval_t *now, linked_list_t *ready,
						 timeval_t *next)
{
	enumerator_t *enumerator = output->packets->create_enumerator(output->packets);
	waiting_t *waiting;
	bool more = FALSE;

	while (enumerator->enumerate(enumerator, &waiting))
	{
		if (timercmp(&waiting->until, now, >))
		{
			more = TRUE;
			*next = timercmp(&waiting->until, next, <) ? waiting->until : *next;
			continue;
		}
		output->packets->remove_at(output->packets, enumerator);
		if (this->available)
		{
			this->counters.early++;
			ready->insert_last(ready, waiting);
			continue;
		}
		this->counters.dropped++;
		waiting_destroy(waiting);
	}
	enumerator->destroy(enumerator);
	return more;
}

static job_requeue_t sweep(hasync_commit_t *this)
{
	linked_list_t *outputs, *ready = linked_list_create();
	timeval_t now, next, wait;
	output_t *output;
	bool more = FALSE;

	time_monotonic(&now);
	this->mutex->lock(this->mutex);
	next = now;
	timeval_add_ms(&next, this->wait_ms);
	outputs = all_outputs(this);
	while (outputs->remove_first(outputs, (void **)&output) == SUCCESS)
	{
		more |= take_overdue(this, output, &now, ready, &next);
	}
	outputs->destroy(outputs);
	this->sweeping = more;
	this->mutex->unlock(this->mutex);
	if (ready->get_count(ready))
	{
		DBG1(DBG_NET, "hasync: %d packets leave before their cause is stable", ready->get_count(ready));
	}
	send_ready(this, ready);
	timersub(&next, &now, &wait);
	return more ? JOB_RESCHEDULE_MS(wait.tv_sec * 1000 + wait.tv_usec / 1000 + 1) : JOB_REQUEUE_NONE;
}

/* The lock is held. */
static void start_sweeping(hasync_commit_t *this)
{
	if (!this->sweeping)
	{
		this->sweeping = TRUE;
		lib->scheduler->schedule_job_ms(
			lib->scheduler, (job_t *)callback_job_create((callback_job_cb_t)sweep, this, NULL, NULL),
			this->wait_ms);
	}
}

/* The lock is held. Takes the packet over. */
static void wait_in(hasync_commit_t *this, output_t *output, packet_t *packet)
{
	waiting_t *waiting;

	this->counters.held++;
	if (output->packets->get_count(output->packets) >= WAITING_MAX)
	{
		this->counters.dropped++;
		packet->destroy(packet);
		return;
	}
	INIT(waiting, .packet = packet, .event = output->unreported ? 0 : output->reported);
	time_monotonic(&waiting->until);
	timeval_add_ms(&waiting->until, this->wait_ms);
	output->packets->insert_last(output->packets, waiting);
	start_sweeping(this);
}

METHOD(sender_t, send_, void, hasync_commit_t *this, packet_t *packet)
{
	chunk_t data = packet->get_data(packet);
	output_t *output = NULL;
	bool taken = FALSE;
	spis_t spis;

	if (data.len >= IKE_HEADER && data.ptr[EXCHANGE_TYPE] != IKE_SA_INIT)
	{
		memcpy(&spis, data.ptr, sizeof(spis));
		this->mutex->lock(this->mutex);
		output = this->outputs->get(this->outputs, &spis);
		if (this->closed && this->client)
		{
			this->counters.dropped++;
			packet->destroy(packet);
			taken = TRUE;
		}
		else if (output)
		{
			wait_in(this, output, packet);
			taken = TRUE;
		}
		this->mutex->unlock(this->mutex);
	}
	if (!taken)
	{
		this->sender->send(this->sender, packet);
	}
}

METHOD(sender_t, send_no_marker, void, hasync_commit_t *this, packet_t *packet)
{
	this->sender->send_no_marker(this->sender, packet);
}

METHOD(sender_t, flush, void, hasync_commit_t *this)
{
	this->sender->flush(this->sender);
}

METHOD(sender_t, destroy, void, hasync_commit_t *this)
{
	sender_t *sender = this->sender;

	hasync_commit_destroy(this);
	sender->destroy(sender);
}

/* Packets wait for this event: all of them, or those that wait for none yet. */
static void set_event(output_t *output, bool all, uint64_t event)
{
	enumerator_t *enumerator = output->packets->create_enumerator(output->packets);
	waiting_t *waiting;

	while (enumerator->enumerate(enumerator, &waiting))
	{
		if (all || !waiting->event)
		{
			waiting->event = event;
		}
	}
	enumerator->destroy(enumerator);
}

void hasync_commit_begin(hasync_commit_t *this, uint64_t client, uint32_t wait_ms, bool available)
{
	linked_list_t *outputs;
	output_t *output;

	this->mutex->lock(this->mutex);
	this->client = client;
	this->stable = 0;
	this->wait_ms = wait_ms;
	this->available = available;
	/* numbers of another client's events mean nothing to this one */
	outputs = all_outputs(this);
	while (outputs->remove_first(outputs, (void **)&output) == SUCCESS)
	{
		if (output->ended)
		{
			drop_all(this, output);
			continue;
		}
		output->unreported = TRUE;
		output->reported = 0;
		set_event(output, TRUE, 0);
	}
	outputs->destroy(outputs);
	this->mutex->unlock(this->mutex);
}

void hasync_commit_changed(hasync_commit_t *this, ike_sa_id_t *id)
{
	spis_t spis = spis_of(id);
	output_t *output;

	this->mutex->lock(this->mutex);
	if (this->client)
	{
		output = this->outputs->get(this->outputs, &spis);
		if (!output)
		{
			INIT(output, .spis = spis, .packets = linked_list_create());
			this->outputs->put(this->outputs, &output->spis, output);
		}
		output->unreported = TRUE;
	}
	this->mutex->unlock(this->mutex);
}

static void reported(hasync_commit_t *this, ike_sa_id_t *id, uint64_t number, bool ended)
{
	linked_list_t *ready = linked_list_create();
	spis_t spis = spis_of(id);
	output_t *output;

	this->mutex->lock(this->mutex);
	output = this->outputs->get(this->outputs, &spis);
	if (output)
	{
		output->ended |= ended;
	}
	if (output && number)
	{
		output->unreported = FALSE;
		output->reported = number;
		set_event(output, FALSE, number);
		/* the answer may have been faster than this thread */
		take_ready(this, output, ready);
	}
	this->mutex->unlock(this->mutex);
	send_ready(this, ready);
}

void hasync_commit_reported(hasync_commit_t *this, ike_sa_id_t *id, uint64_t number)
{
	reported(this, id, number, FALSE);
}

void hasync_commit_ended(hasync_commit_t *this, ike_sa_id_t *id, uint64_t number)
{
	reported(this, id, number, TRUE);
}

void hasync_commit_exempt(hasync_commit_t *this, ike_sa_id_t *id)
{
	linked_list_t *ready = NULL;
	spis_t spis = spis_of(id);
	output_t *output;

	this->mutex->lock(this->mutex);
	output = this->outputs->remove(this->outputs, &spis);
	this->mutex->unlock(this->mutex);
	if (output)
	{
		ready = output->packets;
		output->packets = linked_list_create();
		output_destroy(output);
		send_ready(this, ready);
	}
}

void hasync_commit_discard(hasync_commit_t *this, ike_sa_id_t *id)
{
	spis_t spis = spis_of(id);
	output_t *output;

	this->mutex->lock(this->mutex);
	output = this->outputs->get(this->outputs, &spis);
	if (output)
	{
		drop_all(this, output);
	}
	this->mutex->unlock(this->mutex);
}

void hasync_commit_stable(hasync_commit_t *this, uint64_t client, uint64_t number)
{
	linked_list_t *outputs, *ready = linked_list_create();
	output_t *output;

	this->mutex->lock(this->mutex);
	if (client == this->client && number > this->stable)
	{
		this->stable = number;
		outputs = all_outputs(this);
		while (outputs->remove_first(outputs, (void **)&output) == SUCCESS)
		{
			take_ready(this, output, ready);
		}
		outputs->destroy(outputs);
	}
	this->mutex->unlock(this->mutex);
	send_ready(this, ready);
}

/* Packets of void events go; what the IKE_SA says from here on needs another report. */
static void make_void(hasync_commit_t *this, output_t *output, uint64_t number)
{
	enumerator_t *enumerator = output->packets->create_enumerator(output->packets);
	waiting_t *waiting;

	while (enumerator->enumerate(enumerator, &waiting))
	{
		if (waiting->event > this->stable && waiting->event <= number)
		{
			output->packets->remove_at(output->packets, enumerator);
			waiting_destroy(waiting);
			this->counters.dropped++;
		}
	}
	enumerator->destroy(enumerator);
	if (output->reported > this->stable && output->reported <= number)
	{
		output->unreported = TRUE;
	}
	if (output->ended && !output->packets->get_count(output->packets))
	{
		drop_all(this, output);
	}
}

void hasync_commit_void(hasync_commit_t *this, uint64_t client, uint64_t number)
{
	linked_list_t *outputs;
	output_t *output;

	this->mutex->lock(this->mutex);
	if (client == this->client)
	{
		outputs = all_outputs(this);
		while (outputs->remove_first(outputs, (void **)&output) == SUCCESS)
		{
			make_void(this, output, number);
		}
		outputs->destroy(outputs);
	}
	this->mutex->unlock(this->mutex);
}

void hasync_commit_close(hasync_commit_t *this)
{
	this->mutex->lock(this->mutex);
	this->closed = TRUE;
	this->mutex->unlock(this->mutex);
}

hasync_commit_counters_t hasync_commit_counters(hasync_commit_t *this)
{
	hasync_commit_counters_t counters;

	this->mutex->lock(this->mutex);
	counters = this->counters;
	this->mutex->unlock(this->mutex);
	return counters;
}

hasync_commit_t *hasync_commit_create()
{
	hasync_commit_t *this;

	/* clang-format off */
	INIT(this,
		.public = {
			.send = _send_,
			.send_no_marker = _send_no_marker,
			.flush = _flush,
			.destroy = _destroy,
		},
		.sender = charon->sender,
		.mutex = mutex_create(MUTEX_TYPE_DEFAULT),
		.outputs = hashtable_create((hashtable_hash_t)hash_spis, (hashtable_equals_t)equal_spis, 64),
	);
	/* clang-format on */
	charon->sender = &this->public;
	return this;
}

void hasync_commit_destroy(hasync_commit_t *this)
{
	linked_list_t *outputs = all_outputs(this);

	charon->sender = this->sender;
	outputs->destroy_function(outputs, (void *)output_destroy);
	this->outputs->destroy(this->outputs);
	this->mutex->destroy(this->mutex);
	free(this);
}
