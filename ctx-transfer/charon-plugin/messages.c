/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "messages.h"

#include "context_check.h"
#include "keymat.h"
#include "message_ids.h"
#include "rekey.h"
#include "resume.h"
#include "vpe_fresh.h"

#include <processing/jobs/callback_job.h>

#define FRAGMENT_NUMBER (HASYNC_IKE_HEADER + 4) /* RFC 7383, section 2.5 */

/* after these many seconds, and then each time after the last, until the peer answers or charon gives the
 * IKE_SA up: it takes no other request before this one (RFC 7296, section 2.3) */
static const int repeat_after[] = {1, 2, 4, 8, 16};

typedef struct
{
	ike_sa_id_t *id;
	uint32_t activation; /* one repeats for each, and the last only */
	int tries;
} repeat_t;

static void remember(hasync_sent_t *sent, message_t *message)
{
	enumerator_t *fragments;
	packet_t *packet;

	hasync_sent_clear(sent);
	sent->id = message->get_message_id(message);
	if (!message->is_fragmented(message))
	{
		hasync_sent_add(sent, message->get_packet_data(message));
		return;
	}
	fragments = message->get_fragments(message);
	while (fragments->enumerate(fragments, &packet))
	{
		hasync_sent_add(sent, packet->get_data(packet));
	}
	fragments->destroy(fragments);
}

/* About to be encrypted. */
static void note_plain(hasync_memory_t *memory, message_t *message)
{
	if (message->get_request(message))
	{
		hasync_rekey_note(memory, message);
	}
	else
	{
		hasync_rekey_peer_answered(memory, message);
	}
	hasync_drawn_clear(&memory->drawn);
}

bool hasync_message_sent(hasync_memory_t *memory, message_t *message, bool plain)
{
	if (hasync_message_ids_is_sync(message))
	{
		return FALSE;
	}
	if (plain)
	{
		note_plain(memory, message);
		return FALSE;
	}
	if (message->get_request(message))
	{
		remember(&memory->request, message);
		memory->request.rekey = memory->begun;
		memory->begun = NULL;
	}
	else
	{
		remember(&memory->response, message);
		memory->response_imported = FALSE;
	}
	return TRUE;
}

/* SHA-256 of a request's packet, or of its first fragment's; empty for other fragments. */
static chunk_t hash_packet(message_t *message)
{
	chunk_t data = message->get_packet_data(message), hash = chunk_empty;
	hasher_t *hasher;

	if (message->get_first_payload_type(message) == PLV2_FRAGMENT &&
		(data.len < FRAGMENT_NUMBER + 2 || untoh16(data.ptr + FRAGMENT_NUMBER) != 1))
	{
		return hash;
	}
	hasher = lib->crypto->create_hasher(lib->crypto, HASH_SHA256);
	if (hasher && !hasher->allocate_hash(hasher, data, &hash))
	{
		hash = chunk_empty;
	}
	DESTROY_IF(hasher);
	return hash;
}

static void send_packets(const hasync_sent_t *sent, host_t *source, host_t *destination)
{
	packet_t *packet;
	chunk_t data;
	int i;

	for (i = 0; i < array_count(sent->packets); i++)
	{
		array_get(sent->packets, i, &data);
		packet = packet_create_from_data(source->clone(source), destination->clone(destination),
										 chunk_clone(data));
		charon->sender->send(charon->sender, packet);
	}
}

/* A request that was answered before the import. charon drops it, so it is answered here. */
static void answer_repeated(hasync_memory_t *memory, message_t *message)
{
	chunk_t hash;

	if (message->get_message_id(message) != memory->response.id)
	{
		return;
	}
	hash = hash_packet(message);
	if (hash.len && chunk_equals_const(hash, memory->request_hash))
	{
		DBG1(DBG_IKE, "hasync: repeating the imported response with message ID %u", memory->response.id);
		send_packets(&memory->response, message->get_destination(message), message->get_source(message));
	}
	chunk_free(&hash);
}

/* charon drops the response to a request that it has not sent, but its keymat can verify it. */
static bool answer_received(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message)
{
	hasync_sent_t *sent;
	int i;

	for (i = 0; i < array_count(memory->imported_requests); i++)
	{
		array_get(memory->imported_requests, i, &sent);
		if (sent->id == message->get_message_id(message))
		{
			if (message->parse_body(message, ike_sa->get_keymat(ike_sa)) != SUCCESS)
			{
				return FALSE;
			}
			DBG1(DBG_IKE, "hasync: the imported request with message ID %u is answered", sent->id);
			if (hasync_message_ids_is_sync(message))
			{
				hasync_message_ids_answered(ike_sa, memory, message);
			}
			array_remove(memory->imported_requests, i, NULL);
			hasync_sent_destroy(sent);
			hasync_vpe_fresh_resume(ike_sa, memory);
			return TRUE;
		}
	}
	return FALSE;
}

/* A packet as it came, not verified yet. */
static bool encoded_received(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message)
{
	uint32_t id = message->get_message_id(message);
	chunk_t hash;

	if (message->get_request(message))
	{
		if (memory->response_imported)
		{
			answer_repeated(memory, message);
		}
		if (id == ike_sa->get_message_id(ike_sa, FALSE))
		{
			hash = hash_packet(message);
			if (hash.len)
			{
				chunk_free(&memory->incoming_hash);
				memory->incoming_hash = hash;
				memory->incoming_id = id;
			}
		}
		return FALSE;
	}
	return answer_received(ike_sa, memory, message);
}

bool hasync_message_received(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message, bool plain)
{
	uint32_t id = message->get_message_id(message);

	if (!plain)
	{
		return encoded_received(ike_sa, memory, message);
	}
	if (message->get_request(message))
	{
		hasync_rekey_peer_asks(ike_sa, memory, message);
		hasync_resume_peer_asks(ike_sa, message);
		if (memory->incoming_hash.len && memory->incoming_id == id)
		{
			chunk_free(&memory->request_hash);
			memory->request_hash = memory->incoming_hash;
			memory->incoming_hash = chunk_empty;
		}
	}
	else if (id == memory->request.id)
	{
		hasync_resume_answered(ike_sa, memory, message);
		hasync_sent_clear(&memory->request);
	}
	return TRUE;
}

static void repeat_destroy(repeat_t *repeat)
{
	repeat->id->destroy(repeat->id);
	free(repeat);
}

static job_requeue_t repeat_requests(repeat_t *repeat)
{
	ike_sa_t *ike_sa = charon->ike_sa_manager->checkout(charon->ike_sa_manager, repeat->id);
	hasync_memory_t *memory;
	hasync_sent_t *sent;
	bool again = FALSE, due;
	int i;

	if (ike_sa)
	{
		memory = hasync_memory_of(ike_sa);
		due = ike_sa->get_state(ike_sa) != IKE_PASSIVE && memory->activations == repeat->activation;
		for (i = 0; due && i < array_count(memory->imported_requests); i++)
		{
			array_get(memory->imported_requests, i, &sent);
			send_packets(sent, ike_sa->get_my_host(ike_sa), ike_sa->get_other_host(ike_sa));
			again = TRUE;
		}
		if (due && memory->request.resumed)
		{
			send_packets(&memory->request, ike_sa->get_my_host(ike_sa), ike_sa->get_other_host(ike_sa));
			again = TRUE;
		}
		charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
	}
	return again ? JOB_RESCHEDULE(repeat_after[min(repeat->tries++, countof(repeat_after) - 1)])
				 : JOB_REQUEUE_NONE;
}

void hasync_messages_repeat_requests(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	ike_sa_id_t *id = ike_sa->get_id(ike_sa);
	repeat_t *repeat;

	if (!array_count(memory->imported_requests) && !memory->request.resumed)
	{
		return;
	}
	INIT(repeat, .id = id->clone(id), .activation = ++memory->activations);
	lib->processor->queue_job(lib->processor,
							  (job_t *)callback_job_create((callback_job_cb_t)repeat_requests, repeat,
														   (callback_job_cleanup_t)repeat_destroy, NULL));
}
