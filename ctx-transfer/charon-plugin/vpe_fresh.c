/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vpe_fresh.h"

#include "control.h"
#include "fresh_body.h"
#include "keymat.h"
#include "message_ids.h"
#include "request.h"
#include "vpe.h"
#include "vpe_notify.h"

#include <processing/jobs/initiate_tasks_job.h>
#include <sa/ikev2/tasks/ike_dpd.h>

/* docs/vpe.md, "When they are spent": from there on a new key is due, and the rest is for vpeds that start
 * anew */
#define REKEY_AT 24

#define SPI_SIZE HASYNC_FRESH_ASKED

static bool is_asked(chunk_t spis, uint32_t spi)
{
	for (; spis.len; spis = chunk_skip(spis, SPI_SIZE))
	{
		if (!memcmp(spis.ptr, &spi, SPI_SIZE))
		{
			return TRUE;
		}
	}
	return FALSE;
}

/* The exchange is that of a liveness check (RFC 7296, section 2.4), to which the notify is added. */
static void begin(ike_sa_t *ike_sa)
{
	ike_sa->queue_task(ike_sa, (task_t *)ike_dpd_create(TRUE));
	lib->processor->queue_job(lib->processor, (job_t *)initiate_tasks_job_create(ike_sa->get_id(ike_sa)));
}

/* While a request of another node's is not answered the peer takes no other (section 2.3), and message IDs
 * may have to be agreed first (RFC 6311). */
static bool may_ask(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	return ike_sa->get_state(ike_sa) == IKE_ESTABLISHED && !array_count(memory->imported_requests) &&
		   !memory->ids.due && !hasync_message_ids_are_pending(memory);
}

static void ask(ike_sa_t *ike_sa, hasync_memory_t *memory, uint32_t spi, uint64_t reception)
{
	bool again = is_asked(memory->vpe.asking, spi), first = !memory->vpe.asking.len;
	child_sa_t *child_sa;

	if (ike_sa->get_state(ike_sa) == IKE_PASSIVE || !hasync_vpe_find(ike_sa, memory, spi, TRUE, &child_sa))
	{
		return;
	}
	if (!again)
	{
		memory->vpe.asking = chunk_cat("mc", memory->vpe.asking, chunk_from_thing(spi));
	}
	memory->vpe.reception = reception;
	if ((first || again) && may_ask(ike_sa, memory))
	{
		begin(ike_sa);
	}
}

void hasync_vpe_fresh_resume(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	if (memory->vpe.asking.len && may_ask(ike_sa, memory))
	{
		begin(ike_sa);
	}
}

void hasync_vpe_fresh_ask(const Hasync__Proto__AskFresh *request)
{
	hasync_memory_t *memory;
	ike_sa_t *ike_sa;
	size_t i;

	for (i = 0; i < request->n_children; i++)
	{
		const Hasync__Proto__SaId *sa = request->children[i]->sa;

		ike_sa = hasync_checkout(sa->initiator_spi, sa->responder_spi);
		if (!ike_sa)
		{
			continue;
		}
		memory = hasync_memory_of(ike_sa);
		if (memory)
		{
			ask(ike_sa, memory, htonl(request->children[i]->inbound_spi), request->reception);
		}
		charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
	}
}

/* The peer of this CHILD_SA asks. FALSE: it is not moved. */
static bool move_on(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory, uint32_t outbound_spi,
					uint8_t *incarnation)
{
	uint64_t client = hasync_server_vpe_client(server, NULL);
	child_sa_t *child_sa;
	hasync_child_t *child = hasync_vpe_find(ike_sa, memory, outbound_spi, FALSE, &child_sa);

	if (!child || child->vpe.of_cluster || !client || child->vpe.client != client ||
		!hasync_server_vpe_renews(server, client) || child->vpe.incarnations >= REKEY_AT)
	{
		return FALSE;
	}
	*incarnation = child->vpe.incarnations++;
	hasync_vpe_tell(server, ike_sa, child, child_sa);
	DBG1(DBG_CHD, "hasync: VPE of %s goes on as incarnation %u, as the peer has asked",
		 child_sa->get_name(child_sa), *incarnation);
	return TRUE;
}

static void asked(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory,
				  const hasync_fresh_t *request)
{
	uint64_t name = htobe64(request->name);
	uint8_t incarnation;
	uint32_t spi;
	size_t i;

	chunk_free(&memory->vpe.answer);
	memory->vpe.answer = chunk_clone(chunk_from_thing(name));
	for (i = 0; i < request->count; i++)
	{
		spi = hasync_fresh_asked(request, i);
		if (move_on(server, ike_sa, memory, spi, &incarnation))
		{
			memory->vpe.answer =
				chunk_cat("mcc", memory->vpe.answer, chunk_from_thing(spi), chunk_from_thing(incarnation));
		}
	}
}

static void tell_retire(hasync_server_t *server, uint32_t inbound_spi, uint8_t incarnation,
						uint64_t reception)
{
	Hasync__Proto__VpeRetire retire = HASYNC__PROTO__VPE_RETIRE__INIT;
	Hasync__Proto__Event event = HASYNC__PROTO__EVENT__INIT;

	retire.inbound_spi = ntohl(inbound_spi);
	retire.incarnation = incarnation;
	retire.reception = reception;
	event.event_case = HASYNC__PROTO__EVENT__EVENT_VPE_RETIRE;
	event.vpe_retire = &retire;
	hasync_server_vpe_event(server, hasync_server_vpe_client(server, NULL), &event);
}

/* Whoever asked before with this message ID has another name. */
static void answered(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory,
					 const hasync_fresh_t *answer)
{
	child_sa_t *child_sa;
	uint8_t incarnation;
	uint32_t spi;
	size_t i;

	for (i = 0; i < answer->count; i++)
	{
		spi = hasync_fresh_moved(answer, i, &incarnation);
		if (incarnation && incarnation < HASYNC_VPE_INCARNATIONS &&
			hasync_vpe_find(ike_sa, memory, spi, TRUE, &child_sa))
		{
			tell_retire(server, spi, incarnation, answer->name);
		}
	}
}

static void read_body(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory, bool request,
					  chunk_t body)
{
	hasync_fresh_t fresh;

	if (!hasync_fresh_read(&fresh, body.ptr, body.len, request ? HASYNC_FRESH_ASKED : HASYNC_FRESH_MOVED))
	{
		DBG1(DBG_IKE, "hasync: a notify about fresh windows has %zu octets, ignored", body.len);
		return;
	}
	(request ? asked : answered)(server, ike_sa, memory, &fresh);
}

static void say_asking(hasync_memory_t *memory, message_t *message)
{
	uint64_t name = htobe64(memory->vpe.reception);
	chunk_t body;

	if (memory->vpe.asking.len)
	{
		body = chunk_cat("cm", chunk_from_thing(name), memory->vpe.asking);
		memory->vpe.asking = chunk_empty;
		hasync_vpe_notify_add(message, HASYNC_NOTIFY_VPE_FRESH, body);
		chunk_free(&body);
	}
}

static void say_answer(hasync_memory_t *memory, message_t *message)
{
	if (memory->vpe.answer.len)
	{
		hasync_vpe_notify_add(message, HASYNC_NOTIFY_VPE_FRESH, memory->vpe.answer);
		chunk_free(&memory->vpe.answer);
	}
}

void hasync_vpe_fresh_message(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory,
							  message_t *message, bool incoming)
{
	bool request = message->get_request(message);
	chunk_t body;

	if (message->get_exchange_type(message) != INFORMATIONAL)
	{
		return;
	}
	if (!incoming)
	{
		(request ? say_asking : say_answer)(memory, message);
	}
	else if (hasync_vpe_notify_get(message, HASYNC_NOTIFY_VPE_FRESH, &body))
	{
		read_body(server, ike_sa, memory, request, body);
	}
}

void hasync_vpe_fresh_retired(hasync_server_t *server, const Hasync__Proto__RetiredVpe *request)
{
	Hasync__Proto__VpeRetired retired = HASYNC__PROTO__VPE_RETIRED__INIT;
	Hasync__Proto__Event event = HASYNC__PROTO__EVENT__INIT;

	retired.n_done = request->n_done;
	retired.done = request->done;
	event.event_case = HASYNC__PROTO__EVENT__EVENT_VPE_RETIRED;
	event.vpe_retired = &retired;
	hasync_server_event(server, 0, &event);
}
