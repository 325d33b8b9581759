/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commit.h"

#include "context_check.h"
#include "held.h"

#include <collections/hashtable.h>
#include <processing/jobs/callback_job.h>
#include <threading/mutex.h>

#define EXCHANGE_TYPE 18

struct hasync_commit_t
{
	sender_t public;
	sender_t *sender; /* charon's own */
	hasync_server_t *server;
	hasync_shared_t *shared;
	mutex_t *mutex;
	hashtable_t *held; /* hasync_spis_t* -> hasync_held_t*: IKE_SAs with a change that is not stable */
	uint64_t client;   /* whose word counts; 0 if nobody has asked for it yet */
	uint64_t stable;   /* its events up to here are */
	uint32_t wait_ms;
	bool available;
	bool closed;
	bool sweeping; /* a job will look for packets whose wait is over */
	hasync_commit_counters_t counters;
};

static hasync_held_t *find(hasync_commit_t *this, ike_sa_id_t *id)
{
	hasync_spis_t spis = hasync_spis_of(id);

	return this->held->get(this->held, &spis);
}

static void forget(hasync_commit_t *this, hasync_held_t *held)
{
	this->counters.dropped += held->packets->get_count(held->packets);
	this->held->remove(this->held, &held->spis);
	hasync_held_destroy(held);
}

static void forget_if_done(hasync_commit_t *this, hasync_held_t *held)
{
	if (hasync_held_is_done(held, this->stable))
	{
		forget(this, held);
	}
}

/* As they are now: what is done to one may end it. */
static linked_list_t *all_held(hasync_commit_t *this)
{
	enumerator_t *enumerator = this->held->create_enumerator(this->held);
	linked_list_t *all = linked_list_create();
	hasync_held_t *held;
	hasync_spis_t *spis;

	while (enumerator->enumerate(enumerator, &spis, &held))
	{
		all->insert_last(all, held);
	}
	enumerator->destroy(enumerator);
	return all;
}

static void drop(hasync_commit_t *this, linked_list_t *packets)
{
	this->counters.dropped += packets->get_count(packets);
	packets->destroy_function(packets, (void *)hasync_waiting_destroy);
}

/* Not under the lock: charon's sender logs. */
static void send_all(hasync_commit_t *this, linked_list_t *packets)
{
	hasync_waiting_t *waiting;

	while (packets->remove_first(packets, (void **)&waiting) == SUCCESS)
	{
		this->sender->send(this->sender, waiting->packet);
		free(waiting);
	}
	packets->destroy(packets);
}

static uint32_t milliseconds_until(const timeval_t *when, const timeval_t *now)
{
	timeval_t wait;

	timersub(when, now, &wait);
	return wait.tv_sec * 1000 + wait.tv_usec / 1000 + 1;
}

static job_requeue_t sweep(hasync_commit_t *this)
{
	linked_list_t *all, *overdue = linked_list_create();
	timeval_t now, next;
	hasync_held_t *held;
	bool more = FALSE, available;

	time_monotonic(&now);
	this->mutex->lock(this->mutex);
	next = now;
	timeval_add_ms(&next, this->wait_ms);
	available = this->available;
	all = all_held(this);
	while (all->remove_first(all, (void **)&held) == SUCCESS)
	{
		more |= hasync_held_take_overdue(held, &now, overdue, &next);
		forget_if_done(this, held);
	}
	all->destroy(all);
	this->sweeping = more;
	if (available)
	{
		this->counters.early += overdue->get_count(overdue);
	}
	else
	{
		drop(this, overdue);
	}
	this->mutex->unlock(this->mutex);
	if (available)
	{
		send_all(this, overdue);
	}
	return more ? JOB_RESCHEDULE_MS(milliseconds_until(&next, &now)) : JOB_REQUEUE_NONE;
}

/* The lock is held. Takes the packet over. */
static void wait_in(hasync_commit_t *this, hasync_held_t *held, packet_t *packet)
{
	timeval_t until;

	this->counters.held++;
	time_monotonic(&until);
	timeval_add_ms(&until, this->wait_ms);
	if (!hasync_held_add(held, packet, until))
	{
		this->counters.dropped++;
	}
	else if (!this->sweeping)
	{
		this->sweeping = TRUE;
		lib->scheduler->schedule_job_ms(
			lib->scheduler, (job_t *)callback_job_create((callback_job_cb_t)sweep, this, NULL, NULL),
			this->wait_ms);
	}
}

/* FALSE if it need not wait. The lock is held. Otherwise takes the packet over. */
static bool keep_back(hasync_commit_t *this, packet_t *packet)
{
	chunk_t data = packet->get_data(packet);
	hasync_held_t *held;
	hasync_spis_t spis;

	if (!this->client || !hasync_spis_of_packet(packet, &spis) || data.ptr[EXCHANGE_TYPE] == IKE_SA_INIT)
	{
		return FALSE;
	}
	if (this->closed)
	{
		this->counters.dropped++;
		packet->destroy(packet);
		return TRUE;
	}
	held = this->held->get(this->held, &spis);
	if (held)
	{
		wait_in(this, held, packet);
	}
	return held != NULL;
}

METHOD(sender_t, send_, void, hasync_commit_t *this, packet_t *packet)
{
	bool kept;

	if (!hasync_shared_may_send(this->shared, packet))
	{
		packet->destroy(packet);
		return;
	}
	this->mutex->lock(this->mutex);
	kept = keep_back(this, packet);
	this->mutex->unlock(this->mutex);
	if (!kept)
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

/* Numbers of another client's events mean nothing to this one. What has ended is not reported to it. */
static void begin(hasync_commit_t *this, uint64_t client, const Hasync__Proto__OutputCommit *commit)
{
	linked_list_t *all = all_held(this);
	hasync_held_t *held;

	this->client = client;
	this->stable = 0;
	this->wait_ms = commit->wait_ms;
	this->available = commit->mode == HASYNC__PROTO__COMMIT_MODE__COMMIT_MODE_AVAILABLE;
	while (all->remove_first(all, (void **)&held) == SUCCESS)
	{
		hasync_held_restart(held);
		if (held->ended)
		{
			forget(this, held);
		}
	}
	all->destroy(all);
}

void hasync_commit_subscribe(hasync_commit_t *this, uint64_t client,
							 const Hasync__Proto__OutputCommit *commit)
{
	this->mutex->lock(this->mutex);
	/* a client may be gone before its request is carried out */
	if (hasync_server_subscribe(this->server, client, commit != NULL) && commit)
	{
		begin(this, client, commit);
	}
	this->mutex->unlock(this->mutex);
}

void hasync_commit_changed(hasync_commit_t *this, ike_sa_id_t *id)
{
	hasync_held_t *held;

	this->mutex->lock(this->mutex);
	if (this->client)
	{
		held = find(this, id);
		if (!held)
		{
			held = hasync_held_create(hasync_spis_of(id));
			this->held->put(this->held, &held->spis, held);
		}
		held->unreported = TRUE;
	}
	this->mutex->unlock(this->mutex);
}

void hasync_commit_report(hasync_commit_t *this, ike_sa_id_t *id, uint64_t client,
						  Hasync__Proto__Event *event)
{
	hasync_held_t *held;
	uint64_t number;

	/* under one lock: the client's word on this event may come before this thread goes on */
	this->mutex->lock(this->mutex);
	held = find(this, id);
	if (held && event->event_case == HASYNC__PROTO__EVENT__EVENT_GONE)
	{
		held->ended = TRUE;
	}
	number = hasync_server_event(this->server, client, event);
	if (held && number)
	{
		hasync_held_reported(held, number);
	}
	this->mutex->unlock(this->mutex);
}

void hasync_commit_exempt(hasync_commit_t *this, ike_sa_id_t *id)
{
	linked_list_t *ready = linked_list_create();
	hasync_held_t *held;

	this->mutex->lock(this->mutex);
	held = find(this, id);
	if (held)
	{
		hasync_held_restart(held);
		hasync_held_reported(held, 1);
		hasync_held_take_stable(held, 1, ready);
		forget(this, held);
	}
	this->mutex->unlock(this->mutex);
	send_all(this, ready);
}

void hasync_commit_passive(hasync_commit_t *this, ike_sa_id_t *id)
{
	linked_list_t *dropped = linked_list_create();
	hasync_held_t *held;

	this->mutex->lock(this->mutex);
	held = find(this, id);
	if (held)
	{
		hasync_held_restart(held);
		hasync_held_take_void(held, 0, 0, dropped);
	}
	drop(this, dropped);
	this->mutex->unlock(this->mutex);
}

void hasync_commit_forget(hasync_commit_t *this, ike_sa_id_t *id)
{
	hasync_held_t *held;

	this->mutex->lock(this->mutex);
	held = find(this, id);
	if (held)
	{
		forget(this, held);
	}
	this->mutex->unlock(this->mutex);
}

bool hasync_commit_is_marked(hasync_commit_t *this, ike_sa_id_t *id)
{
	bool marked;

	this->mutex->lock(this->mutex);
	marked = find(this, id) != NULL;
	this->mutex->unlock(this->mutex);
	return marked;
}

void hasync_commit_stable(hasync_commit_t *this, uint64_t client, uint64_t number)
{
	linked_list_t *all, *ready = linked_list_create();
	hasync_held_t *held;

	this->mutex->lock(this->mutex);
	if (client == this->client && number > this->stable)
	{
		this->stable = number;
		all = all_held(this);
		while (all->remove_first(all, (void **)&held) == SUCCESS)
		{
			hasync_held_take_stable(held, number, ready);
			forget_if_done(this, held);
		}
		all->destroy(all);
	}
	this->mutex->unlock(this->mutex);
	send_all(this, ready);
}

void hasync_commit_void(hasync_commit_t *this, uint64_t client, uint64_t first, uint64_t last)
{
	linked_list_t *all, *dropped = linked_list_create();
	hasync_held_t *held;

	this->mutex->lock(this->mutex);
	if (client == this->client)
	{
		all = all_held(this);
		while (all->remove_first(all, (void **)&held) == SUCCESS)
		{
			hasync_held_take_void(held, max(first, this->stable + 1), last, dropped);
			forget_if_done(this, held);
		}
		all->destroy(all);
	}
	drop(this, dropped);
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

hasync_commit_t *hasync_commit_create(hasync_server_t *server, hasync_shared_t *shared)
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
		.server = server,
		.shared = shared,
		.mutex = mutex_create(MUTEX_TYPE_DEFAULT),
		.held = hashtable_create((hashtable_hash_t)hasync_spis_hash, (hashtable_equals_t)hasync_spis_equal, 64),
	);
	/* clang-format on */
	charon->sender = &this->public;
	return this;
}

void hasync_commit_destroy(hasync_commit_t *this)
{
	linked_list_t *all = all_held(this);

	charon->sender = this->sender;
	all->destroy_function(all, (void *)hasync_held_destroy);
	this->held->destroy(this->held);
	this->mutex->destroy(this->mutex);
	free(this);
}
