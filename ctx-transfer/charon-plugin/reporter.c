/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reporter.h"

#include "control.h"
#include "export.h"
#include "keymat.h"

#include <collections/hashtable.h>
#include <processing/jobs/callback_job.h>
#include <threading/mutex.h>
#include <time.h>

#define KEYS_UNKNOWN HASYNC__PROTO__ERROR_CODE__KEYS_UNKNOWN
#define BUSY HASYNC__PROTO__ERROR_CODE__BUSY

/* a subscriber that has this much to take gets its first events more slowly */
#define SYNC_BACKLOG (1024 * 1024)
#define SYNC_PAUSE_MS 5

/* an IKE_SA that cannot be reported now is tried again */
#define BUSY_PAUSE_MS 100

struct hasync_reporter_t
{
	hasync_server_t *server;
	hasync_commit_t *commit;
	mutex_t *mutex;
	bool closed;
	hashtable_t *changed; /* ike_sa_id_t* -> change_t*, not reported yet */
};

typedef struct
{
	hasync_reporter_t *reporter;
	ike_sa_id_t *id;
	uint64_t since; /* of the first hook that is not reported */
	bool late;      /* it could not be reported when its turn came */
} change_t;

/* A subscriber that is being told what exists. */
typedef struct
{
	hasync_reporter_t *reporter;
	uint64_t client;
	linked_list_t *ids; /* ike_sa_id_t*, not told yet */
} sync_t;

/* An IKE_SA that is gone but whose successor is not reported yet. */
typedef struct
{
	hasync_reporter_t *reporter;
	ike_sa_id_t *id;
	ike_sa_id_t *successor;
	uint64_t since;
	bool released;
} farewell_t;

static __thread int quiet;

static void queue_job(callback_job_cb_t work, void *data, callback_job_cleanup_t destroy)
{
	lib->processor->queue_job(
		lib->processor, (job_t *)callback_job_create_with_prio(work, data, destroy, NULL, JOB_PRIO_HIGH));
}

#define queue(work, data, destroy)                                                                           \
	queue_job((callback_job_cb_t)(work), data, (callback_job_cleanup_t)(destroy))

void hasync_quiet_begin()
{
	quiet++;
}

void hasync_quiet_end()
{
	quiet--;
}

uint64_t hasync_now_ns()
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static u_int hash_id(ike_sa_id_t *id)
{
	uint64_t spi = id->get_initiator_spi(id) ^ id->get_responder_spi(id);

	return chunk_hash(chunk_from_thing(spi));
}

static bool equal_ids(ike_sa_id_t *a, ike_sa_id_t *b)
{
	return a->equals(a, b);
}

static void change_destroy(change_t *change)
{
	change->id->destroy(change->id);
	free(change);
}

/* Keys that are not known become known by a rekey; the peer sees nothing unusual. */
static void ask_rekey(ike_sa_t *ike_sa)
{
	hasync_memory_t *memory = hasync_memory_of(ike_sa);
	enumerator_t *enumerator;
	child_sa_t *child_sa;

	if (ike_sa->get_state(ike_sa) != IKE_ESTABLISHED || (memory && memory->rekey_asked))
	{
		return;
	}
	if (!memory || !memory->keys_known)
	{
		DBG1(DBG_IKE, "hasync: keys of IKE_SA are not known, rekeying it");
		ike_sa->rekey(ike_sa);
		return;
	}
	memory->rekey_asked = TRUE;
	enumerator = ike_sa->create_child_sa_enumerator(ike_sa);
	while (enumerator->enumerate(enumerator, &child_sa))
	{
		if (child_sa->get_state(child_sa) == CHILD_INSTALLED &&
			!hasync_memory_find_child(memory, child_sa->get_spi(child_sa, TRUE)))
		{
			DBG1(DBG_IKE, "hasync: keys of CHILD_SA are not known, rekeying it");
			ike_sa->rekey_child_sa(ike_sa, child_sa->get_protocol(child_sa),
								   child_sa->get_spi(child_sa, TRUE));
		}
	}
	enumerator->destroy(enumerator);
}

static void send_unprotected(hasync_reporter_t *this, ike_sa_t *ike_sa, uint64_t client, uint64_t since,
							 hasync_arena_t *arena)
{
	Hasync__Proto__Unprotected unprotected = HASYNC__PROTO__UNPROTECTED__INIT;
	Hasync__Proto__Event event = HASYNC__PROTO__EVENT__INIT;

	unprotected.sa = hasync_summarize(ike_sa, arena);
	event.hook_ns = since;
	event.event_case = HASYNC__PROTO__EVENT__EVENT_UNPROTECTED;
	event.unprotected = &unprotected;
	hasync_server_event(this->server, client, &event);
}

static void send_gone(hasync_reporter_t *this, ike_sa_id_t *id, bool released);

/* Those who copy it must not take an old context for what it is now. What they were told first is taken back.
 */
static void give_up(hasync_reporter_t *this, ike_sa_t *ike_sa, uint64_t client, uint64_t since,
					const hasync_error_t *error, hasync_arena_t *arena)
{
	hasync_memory_t *memory = hasync_memory_of(ike_sa);
	ike_sa_id_t *id = ike_sa->get_id(ike_sa);

	DBG1(DBG_IKE, "hasync: IKE_SA is not protected: %s", error->text);
	if (memory && memory->announced)
	{
		memory->announced = FALSE;
		send_gone(this, id, FALSE);
	}
	else
	{
		hasync_commit_exempt(this->commit, id);
	}
	send_unprotected(this, ike_sa, client, since, arena);
	if (error->code == KEYS_UNKNOWN)
	{
		ask_rekey(ike_sa);
	}
}

/* The caller has checked out the IKE_SA. FALSE: not now. */
static bool send_changed(hasync_reporter_t *this, ike_sa_t *ike_sa, uint64_t client, uint64_t since)
{
	hasync_memory_t *memory = hasync_memory_of(ike_sa);
	Hasync__Proto__Changed changed = HASYNC__PROTO__CHANGED__INIT;
	Hasync__Proto__Event event = HASYNC__PROTO__EVENT__INIT;
	hasync_arena_t arena;
	hasync_error_t error = {};

	hasync_arena_init(&arena);
	changed.context = hasync_export(ike_sa, &arena, &error);
	if (changed.context)
	{
		changed.state = hasync_state_of(ike_sa);
		if (memory->predecessor)
		{
			changed.replaces = hasync_from_ike_sa_id(&arena, memory->predecessor);
		}
		event.hook_ns = since;
		event.event_case = HASYNC__PROTO__EVENT__EVENT_CHANGED;
		event.changed = &changed;
		memory->announced = TRUE;
		hasync_commit_report(this->commit, ike_sa->get_id(ike_sa), client, &event);
	}
	else if (error.code != BUSY)
	{
		give_up(this, ike_sa, client, since, &error, &arena);
	}
	hasync_arena_clear(&arena);
	return changed.context || error.code != BUSY;
}

/* FALSE: not now. */
static bool report(hasync_reporter_t *this, ike_sa_id_t *id, uint64_t client, uint64_t since);

/*
 * Whoever copies IKE_SAs has to move the CHILD_SAs to the successor before they seem to be gone. It stays
 * noted until it was reported, since this IKE_SA may end meanwhile. Gives the IKE_SA back and takes it again;
 * NULL if it has ended.
 */
static ike_sa_t *report_successor(hasync_reporter_t *this, ike_sa_t *ike_sa, ike_sa_id_t *id, uint64_t since)
{
	hasync_memory_t *memory = hasync_memory_of(ike_sa);
	ike_sa_id_t *successor = memory->successor->clone(memory->successor);

	charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
	report(this, successor, 0, since);
	successor->destroy(successor);
	ike_sa = charon->ike_sa_manager->checkout(charon->ike_sa_manager, id);
	if (ike_sa)
	{
		memory = hasync_memory_of(ike_sa);
		DESTROY_IF(memory->successor);
		memory->successor = NULL;
	}
	return ike_sa;
}

/* What has changed up to here is being reported; what changes from here on needs another report. */
static void begin_report(hasync_reporter_t *this, ike_sa_id_t *id)
{
	this->mutex->lock(this->mutex);
	this->changed->remove(this->changed, id);
	this->mutex->unlock(this->mutex);
}

static bool report(hasync_reporter_t *this, ike_sa_id_t *id, uint64_t client, uint64_t since)
{
	ike_sa_t *ike_sa = charon->ike_sa_manager->checkout(charon->ike_sa_manager, id);
	hasync_memory_t *memory = ike_sa ? hasync_memory_of(ike_sa) : NULL;
	bool done = TRUE;

	if (memory && memory->successor)
	{
		ike_sa = report_successor(this, ike_sa, id, since);
	}
	if (!client)
	{
		begin_report(this, id);
	}
	if (ike_sa)
	{
		if (hasync_is_established(ike_sa))
		{
			done = send_changed(this, ike_sa, client, since);
		}
		charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
	}
	return done;
}

static job_requeue_t report_change(change_t *change)
{
	hasync_reporter_t *this = change->reporter;
	bool pending;

	this->mutex->lock(this->mutex);
	pending = change->late || this->changed->get(this->changed, change->id) == change;
	this->mutex->unlock(this->mutex);
	if (!pending || report(this, change->id, 0, change->since))
	{
		return JOB_REQUEUE_NONE;
	}
	change->late = TRUE;
	return JOB_RESCHEDULE_MS(BUSY_PAUSE_MS);
}

void hasync_reporter_changed(hasync_reporter_t *this, ike_sa_t *ike_sa)
{
	ike_sa_id_t *id = ike_sa->get_id(ike_sa);
	change_t *change;

	if (quiet || this->closed || !hasync_is_established(ike_sa))
	{
		return;
	}
	hasync_commit_changed(this->commit, id);
	if (!hasync_server_has_subscribers(this->server))
	{
		return;
	}
	this->mutex->lock(this->mutex);
	if (!this->changed->get(this->changed, id))
	{
		INIT(change, .reporter = this, .id = id->clone(id), .since = hasync_now_ns());
		this->changed->put(this->changed, change->id, change);
		queue(report_change, change, change_destroy);
	}
	this->mutex->unlock(this->mutex);
}

static void send_gone(hasync_reporter_t *this, ike_sa_id_t *id, bool released)
{
	Hasync__Proto__Gone gone = HASYNC__PROTO__GONE__INIT;
	Hasync__Proto__Event event = HASYNC__PROTO__EVENT__INIT;
	hasync_arena_t arena;

	hasync_arena_init(&arena);
	gone.sa = hasync_from_ike_sa_id(&arena, id);
	gone.released = released;
	event.hook_ns = hasync_now_ns();
	event.event_case = HASYNC__PROTO__EVENT__EVENT_GONE;
	event.gone = &gone;
	hasync_commit_report(this->commit, id, 0, &event);
	hasync_arena_clear(&arena);
}

static void farewell_destroy(farewell_t *farewell)
{
	farewell->id->destroy(farewell->id);
	farewell->successor->destroy(farewell->successor);
	free(farewell);
}

static job_requeue_t bid_farewell(farewell_t *farewell)
{
	report(farewell->reporter, farewell->successor, 0, farewell->since);
	send_gone(farewell->reporter, farewell->id, farewell->released);
	return JOB_REQUEUE_NONE;
}

void hasync_reporter_gone(hasync_reporter_t *this, ike_sa_t *ike_sa)
{
	hasync_memory_t *memory = hasync_memory_of(ike_sa);
	ike_sa_id_t *id = ike_sa->get_id(ike_sa);
	farewell_t *farewell;

	if (this->closed)
	{
		return;
	}
	if (!memory || !memory->announced || memory->released)
	{
		hasync_commit_forget(this->commit, id);
	}
	if (!memory) /* older than the plugin: told as unprotected, or to nobody */
	{
		send_gone(this, id, FALSE);
		return;
	}
	if (!memory->announced)
	{
		return;
	}
	if (!memory->successor)
	{
		send_gone(this, id, memory->released);
		return;
	}
	/* its CHILD_SAs live on in the successor, which has to be known before they seem to be gone */
	INIT(farewell, .reporter = this, .id = id->clone(id), .successor = memory->successor,
		 .since = hasync_now_ns(), .released = memory->released);
	memory->successor = NULL;
	queue(bid_farewell, farewell, farewell_destroy);
}

void hasync_reporter_passive(hasync_reporter_t *this, ike_sa_t *ike_sa)
{
	hasync_commit_passive(this->commit, ike_sa->get_id(ike_sa));
}

void hasync_reporter_resumed(hasync_reporter_t *this, uint64_t initiator_spi, uint64_t responder_spi)
{
	ike_sa_t *ike_sa = hasync_checkout(initiator_spi, responder_spi);

	if (!ike_sa)
	{
		return;
	}
	if (ike_sa->get_state(ike_sa) != IKE_PASSIVE &&
		hasync_commit_is_marked(this->commit, ike_sa->get_id(ike_sa)))
	{
		hasync_reporter_changed(this, ike_sa);
	}
	charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
}

void hasync_reporter_close(hasync_reporter_t *this)
{
	this->closed = TRUE;
	hasync_commit_close(this->commit);
}

static void sync_destroy(sync_t *sync)
{
	sync->ids->destroy_offset(sync->ids, offsetof(ike_sa_id_t, destroy));
	free(sync);
}

static void send_synced(hasync_reporter_t *this, uint64_t client)
{
	Hasync__Proto__Synced synced = HASYNC__PROTO__SYNCED__INIT;
	Hasync__Proto__Event event = HASYNC__PROTO__EVENT__INIT;

	if (hasync_server_vpe_client(this->server, NULL))
	{
		hasync_server_tell_session(this->server, client);
	}
	event.hook_ns = hasync_now_ns();
	event.event_case = HASYNC__PROTO__EVENT__EVENT_SYNCED;
	event.synced = &synced;
	hasync_server_event(this->server, client, &event);
}

static job_requeue_t send_existing(sync_t *sync)
{
	hasync_reporter_t *this = sync->reporter;
	ike_sa_id_t *id;
	ssize_t backlog;

	while ((backlog = hasync_server_backlog(this->server, sync->client)) >= 0)
	{
		if (backlog > SYNC_BACKLOG)
		{
			return JOB_RESCHEDULE_MS(SYNC_PAUSE_MS);
		}
		if (sync->ids->remove_first(sync->ids, (void **)&id) != SUCCESS)
		{
			send_synced(this, sync->client);
			break;
		}
		report(this, id, sync->client, hasync_now_ns());
		id->destroy(id);
	}
	return JOB_REQUEUE_NONE;
}

void hasync_reporter_subscribe(hasync_reporter_t *this, uint64_t client,
							   const Hasync__Proto__OutputCommit *commit)
{
	enumerator_t *enumerator;
	ike_sa_t *ike_sa;
	ike_sa_id_t *id;
	sync_t *sync;

	hasync_commit_subscribe(this->commit, client, commit);
	INIT(sync, .reporter = this, .client = client, .ids = linked_list_create());
	enumerator = charon->ike_sa_manager->create_enumerator(charon->ike_sa_manager, TRUE);
	while (enumerator->enumerate(enumerator, &ike_sa))
	{
		id = ike_sa->get_id(ike_sa);
		sync->ids->insert_last(sync->ids, id->clone(id));
	}
	enumerator->destroy(enumerator);
	queue(send_existing, sync, sync_destroy);
}

hasync_reporter_t *hasync_reporter_create(hasync_server_t *server, hasync_commit_t *commit)
{
	hasync_reporter_t *this;

	INIT(this, .server = server, .commit = commit, .mutex = mutex_create(MUTEX_TYPE_DEFAULT),
		 .changed = hashtable_create((hashtable_hash_t)hash_id, (hashtable_equals_t)equal_ids, 64));
	return this;
}

void hasync_reporter_destroy(hasync_reporter_t *this)
{
	this->changed->destroy(this->changed);
	this->mutex->destroy(this->mutex);
	free(this);
}
