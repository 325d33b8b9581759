/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control.h"

#include "convert.h"
#include "export.h"
#include "keymat.h"
#include "message_ids.h"
#include "messages.h"
#include "reporter.h"
#include "resume.h"

#include <processing/jobs/delete_child_sa_job.h>
#include <processing/jobs/delete_ike_sa_job.h>
#include <processing/jobs/rekey_child_sa_job.h>
#include <processing/jobs/rekey_ike_sa_job.h>

#define NOT_FOUND_HERE HASYNC__PROTO__ERROR_CODE__NOT_FOUND
#define CONFLICT HASYNC__PROTO__ERROR_CODE__CONFLICT
#define BUSY HASYNC__PROTO__ERROR_CODE__BUSY

/* Timers that are overdue when a node takes over run out within so many seconds, not all at once. */
#define OVERDUE_SPREAD 10

/* After these many seconds an SA that was being closed when it came here is deleted by us if the peer has not
 * done so. */
#define CLOSE_AFTER 10

ike_sa_t *hasync_checkout(uint64_t initiator_spi, uint64_t responder_spi)
{
	ike_sa_id_t *id = hasync_to_ike_sa_id(initiator_spi, responder_spi, FALSE);
	ike_sa_t *ike_sa = charon->ike_sa_manager->checkout(charon->ike_sa_manager, id);

	if (!ike_sa)
	{
		id->switch_initiator(id);
		ike_sa = charon->ike_sa_manager->checkout(charon->ike_sa_manager, id);
	}
	id->destroy(id);
	return ike_sa;
}

static uint32_t seconds_until(time_t when)
{
	time_t now = time_monotonic(NULL);

	return when > now ? when - now : 1 + random() % OVERDUE_SPREAD;
}

static void schedule(job_t *job, time_t when)
{
	lib->scheduler->schedule_job(lib->scheduler, job, seconds_until(when));
}

/*
 * set_state(ESTABLISHED) counts all timers from now on, starting with what the configuration says; only where
 * less time is left, it keeps ours, without a job.
 */
static void establish(ike_sa_t *ike_sa)
{
	ike_sa_id_t *id = ike_sa->get_id(ike_sa);
	uint32_t established = ike_sa->get_statistic(ike_sa, STAT_ESTABLISHED);
	uint32_t rekey = ike_sa->get_statistic(ike_sa, STAT_REKEY);
	uint32_t reauth = ike_sa->get_statistic(ike_sa, STAT_REAUTH);
	uint32_t delete = ike_sa->get_statistic(ike_sa, STAT_DELETE);

	ike_sa->set_state(ike_sa, IKE_ESTABLISHED);
	if (established)
	{
		ike_sa->set_statistic(ike_sa, STAT_ESTABLISHED, established);
	}
	if (rekey && ike_sa->get_statistic(ike_sa, STAT_REKEY) == rekey)
	{
		schedule((job_t *)rekey_ike_sa_job_create(id, FALSE), rekey);
	}
	if (reauth && ike_sa->get_statistic(ike_sa, STAT_REAUTH) == reauth)
	{
		schedule((job_t *)rekey_ike_sa_job_create(id, TRUE), reauth);
	}
	if (delete)
	{
		ike_sa->set_statistic(ike_sa, STAT_DELETE, delete);
		schedule((job_t *)delete_ike_sa_job_create(id, TRUE), delete);
	}
}

static void schedule_children(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	host_t *me = ike_sa->get_my_host(ike_sa);
	enumerator_t *enumerator;
	child_sa_t *child_sa;
	hasync_child_t *known;
	protocol_id_t protocol;
	uint32_t spi;

	enumerator = ike_sa->create_child_sa_enumerator(ike_sa);
	while (enumerator->enumerate(enumerator, &child_sa))
	{
		protocol = child_sa->get_protocol(child_sa);
		spi = child_sa->get_spi(child_sa, TRUE);
		known = hasync_memory_find_child(memory, spi);
		if (child_sa->get_state(child_sa) == CHILD_REKEYED)
		{
			lib->scheduler->schedule_job(
				lib->scheduler, (job_t *)delete_child_sa_job_create(protocol, spi, me, FALSE), CLOSE_AFTER);
			continue;
		}
		if (known && known->rekey_at)
		{
			schedule((job_t *)rekey_child_sa_job_create(protocol, spi, me), known->rekey_at);
		}
		if (known && known->delete_at)
		{
			schedule((job_t *)delete_child_sa_job_create(protocol, spi, me, FALSE), known->delete_at);
		}
	}
	enumerator->destroy(enumerator);
}

static void install_local_vips(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	host_t *vip;

	while (memory->local_vips->remove_first(memory->local_vips, (void **)&vip) == SUCCESS)
	{
		ike_sa->add_virtual_ip(ike_sa, TRUE, vip);
		vip->destroy(vip);
	}
}

void hasync_activate(ike_sa_t *ike_sa, bool may_be_behind)
{
	hasync_memory_t *memory = hasync_memory_of(ike_sa);

	if (memory->closing)
	{
		/* charon answers its deletion and nothing else (RFC 7296, section 2.8), or deletes it itself */
		ike_sa->set_state(ike_sa, IKE_REKEYED);
		lib->scheduler->schedule_job(
			lib->scheduler, (job_t *)delete_ike_sa_job_create(ike_sa->get_id(ike_sa), TRUE), CLOSE_AFTER);
	}
	else
	{
		install_local_vips(ike_sa, memory);
		establish(ike_sa);
		schedule_children(ike_sa, memory);
	}
	hasync_message_ids_begin(ike_sa, memory, may_be_behind && !memory->closing);
	if (!memory->closing)
	{
		hasync_resume_rekey(ike_sa, memory);
	}
	hasync_messages_repeat_requests(ike_sa, memory);
}

/* Keeps the times, since charon's own would start anew, and ends what charon has begun with the CHILD_SAs. */
static void freeze_children(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	enumerator_t *enumerator;
	child_sa_t *child_sa;
	hasync_child_t *known;

	enumerator = ike_sa->create_child_sa_enumerator(ike_sa);
	while (enumerator->enumerate(enumerator, &child_sa))
	{
		known = hasync_memory_find_child(memory, child_sa->get_spi(child_sa, TRUE));
		if (known && !known->installed_at)
		{
			known->installed_at = child_sa->get_installtime(child_sa);
			known->rekey_at = child_sa->get_lifetime(child_sa, FALSE);
			known->delete_at = child_sa->get_lifetime(child_sa, TRUE);
		}
		if (child_sa->get_state(child_sa) == CHILD_REKEYING)
		{
			child_sa->set_state(child_sa, CHILD_INSTALLED);
		}
		else if (child_sa->get_state(child_sa) == CHILD_DELETING)
		{
			child_sa->set_state(child_sa, CHILD_REKEYED);
		}
	}
	enumerator->destroy(enumerator);
}

/* From now on it is the plugin that repeats what charon has sent, as if the IKE_SA had been imported. */
static void adopt_messages(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	uint32_t next = ike_sa->get_message_id(ike_sa, TRUE);
	hasync_sent_t *sent;

	memory->response_imported = TRUE;
	if (array_count(memory->request.packets) && memory->request.id == next)
	{
		sent = malloc_thing(hasync_sent_t);
		*sent = memory->request;
		memset(&memory->request, 0, sizeof(memory->request));
		array_insert(memory->imported_requests, ARRAY_TAIL, sent);
		next++;
	}
	/* charon forgets its packets here */
	ike_sa->set_message_id(ike_sa, TRUE, next);
}

static void keep_local_vips(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	enumerator_t *enumerator = ike_sa->create_virtual_ip_enumerator(ike_sa, TRUE);
	host_t *vip;

	while (enumerator->enumerate(enumerator, &vip))
	{
		memory->local_vips->insert_last(memory->local_vips, vip->clone(vip));
	}
	enumerator->destroy(enumerator);
	ike_sa->clear_virtual_ips(ike_sa, TRUE);
}

void hasync_deactivate(ike_sa_t *ike_sa)
{
	hasync_memory_t *memory = hasync_memory_of(ike_sa);
	ike_sa_state_t state = ike_sa->get_state(ike_sa);

	memory->closing = memory->closing || state == IKE_REKEYED || state == IKE_DELETING;
	memory->answered_for = TRUE;
	ike_sa->set_state(ike_sa, IKE_PASSIVE);
	adopt_messages(ike_sa, memory);
	ike_sa->flush_queue(ike_sa, TASK_QUEUE_QUEUED);
	ike_sa->flush_queue(ike_sa, TASK_QUEUE_PASSIVE);
	ike_sa->flush_queue(ike_sa, TASK_QUEUE_ACTIVE);
	chunk_free(&memory->vpe.asking);
	chunk_free(&memory->vpe.answer);
	freeze_children(ike_sa, memory);
	keep_local_vips(ike_sa, memory);
}

static bool set_state_of(ike_sa_t *ike_sa, const Hasync__Proto__SetState *request, hasync_error_t *error)
{
	if (!hasync_is_established(ike_sa))
	{
		return hasync_fail(error, BUSY, "IKE_SA %s is not established", ike_sa->get_name(ike_sa));
	}
	if (hasync_state_of(ike_sa) == request->state)
	{
		return TRUE;
	}
	if (!hasync_memory_of(ike_sa))
	{
		return hasync_fail(error, CONFLICT, "IKE_SA %s was made before the plugin was loaded",
						   ike_sa->get_name(ike_sa));
	}
	if (request->state == HASYNC__PROTO__SA_STATE__SA_STATE_ACTIVE)
	{
		hasync_activate(ike_sa, request->may_be_behind);
	}
	else
	{
		hasync_deactivate(ike_sa);
	}
	return TRUE;
}

bool hasync_set_state(const Hasync__Proto__SetState *request, hasync_error_t *error)
{
	bool all = TRUE;
	size_t i;

	for (i = 0; i < request->n_sas; i++)
	{
		const Hasync__Proto__SaId *sa = request->sas[i];
		ike_sa_t *ike_sa = hasync_checkout(sa->initiator_spi, sa->responder_spi);

		if (!ike_sa)
		{
			all = hasync_fail(error, NOT_FOUND_HERE, "set_state.sas[%zu]: no such IKE_SA", i);
			continue;
		}
		all &= set_state_of(ike_sa, request, error);
		charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
	}
	return all;
}

bool hasync_release(const Hasync__Proto__Release *request, hasync_error_t *error)
{
	bool all = TRUE;
	size_t i;

	for (i = 0; i < request->n_sas; i++)
	{
		const Hasync__Proto__SaId *sa = request->sas[i];
		ike_sa_t *ike_sa = hasync_checkout(sa->initiator_spi, sa->responder_spi);
		hasync_memory_t *memory = ike_sa ? hasync_memory_of(ike_sa) : NULL;

		if (!ike_sa)
		{
			all = hasync_fail(error, NOT_FOUND_HERE, "release.sas[%zu]: no such IKE_SA", i);
			continue;
		}
		if (memory)
		{
			memory->released = TRUE;
		}
		/* a passive IKE_SA is destroyed without telling the peer */
		ike_sa->set_state(ike_sa, IKE_PASSIVE);
		charon->ike_sa_manager->checkin_and_destroy(charon->ike_sa_manager, ike_sa);
	}
	return all;
}

static bool start_rekey(ike_sa_t *ike_sa, uint32_t child_inbound_spi, status_t *status, hasync_error_t *error)
{
	child_sa_t *child_sa = NULL;
	uint32_t spi = htonl(child_inbound_spi);

	if (ike_sa->get_state(ike_sa) != IKE_ESTABLISHED)
	{
		return hasync_fail(error, BUSY, "IKE_SA %s is not active and established", ike_sa->get_name(ike_sa));
	}
	if (!child_inbound_spi)
	{
		*status = ike_sa->rekey(ike_sa);
		return TRUE;
	}
	child_sa = ike_sa->get_child_sa(ike_sa, PROTO_ESP, spi, TRUE)
				   ?: ike_sa->get_child_sa(ike_sa, PROTO_AH, spi, TRUE);
	if (!child_sa)
	{
		return hasync_fail(error, NOT_FOUND_HERE, "rekey.child_inbound_spi: no such CHILD_SA");
	}
	*status = ike_sa->rekey_child_sa(ike_sa, child_sa->get_protocol(child_sa), spi);
	return TRUE;
}

bool hasync_rekey(const Hasync__Proto__Rekey *request, hasync_error_t *error)
{
	ike_sa_t *ike_sa = hasync_checkout(request->sa->initiator_spi, request->sa->responder_spi);
	status_t status = SUCCESS;
	bool started;

	if (!ike_sa)
	{
		return hasync_fail(error, NOT_FOUND_HERE, "rekey.sa: no such IKE_SA");
	}
	started = start_rekey(ike_sa, request->child_inbound_spi, &status, error);
	if (status == DESTROY_ME)
	{
		charon->ike_sa_manager->checkin_and_destroy(charon->ike_sa_manager, ike_sa);
		return hasync_fail(error, HASYNC__PROTO__ERROR_CODE__INSTALL_FAILED,
						   "rekey: the IKE_SA broke and was closed");
	}
	charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
	return started;
}
