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

#define ADDRESS_POLL_MS 50
#define ADDRESS_WAIT_MS 10000 /* then it is not charon's to know whether we have it */
#define CHARON_TRIES 2        /* of charon's own repetitions, 11 s: then the IDs may be wrong */
#define SYNC_INTERVAL 4       /* seconds: a peer may be able to answer once only */

typedef struct
{
	ike_sa_id_t *id;
	uint32_t activation; /* one repeats for each, and the last only */
	int tries;
	int waited_ms; /* for the address */
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
	if (memory->ids.making)
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

static bool is_fragment(message_t *message)
{
	return message->get_first_payload_type(message) == PLV2_FRAGMENT;
}

/* SHA-256 of a request's packet, or of its first fragment's; empty for other fragments. */
static chunk_t hash_packet(message_t *message)
{
	chunk_t data = message->get_packet_data(message), hash = chunk_empty;
	hasher_t *hasher;

	/* one that charon has put together of fragments has no packet */
	if (!data.len || (is_fragment(message) &&
					  (data.len < FRAGMENT_NUMBER + 2 || untoh16(data.ptr + FRAGMENT_NUMBER) != 1)))
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

static hasync_sent_t *find_imported(hasync_memory_t *memory, uint32_t id, int *index)
{
	hasync_sent_t *sent;
	int i;

	for (i = 0; i < array_count(memory->imported_requests); i++)
	{
		array_get(memory->imported_requests, i, &sent);
		if (sent->id == id)
		{
			*index = i;
			return sent;
		}
	}
	return NULL;
}

/* charon drops the response to a request that it has not sent, but its keymat can verify it. One that has the
 * ID of charon's own request is charon's to decrypt, and comes again in plain. */
static bool answer_received(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message)
{
	uint32_t id = message->get_message_id(message);
	hasync_sent_t *sent;
	bool agreed;
	int index = 0;

	sent = find_imported(memory, id, &index);
	if ((!sent && (id || !hasync_message_ids_are_pending(memory))) ||
		id == ike_sa->get_message_id(ike_sa, TRUE) || !hasync_message_ids_verify(ike_sa, message))
	{
		return FALSE;
	}
	agreed = hasync_message_ids_is_sync(message) && hasync_message_ids_answered(ike_sa, memory, message);
	if (!agreed && sent)
	{
		DBG1(DBG_IKE, "hasync: the imported request with message ID %u is answered", id);
		memory->ids.sending = FALSE;
		array_remove(memory->imported_requests, index, NULL);
		hasync_sent_destroy(sent);
	}
	hasync_vpe_fresh_resume(ike_sa, memory);
	return agreed || sent;
}

static bool is_genuine(ike_sa_t *ike_sa, message_t *message)
{
	message_t *copy = message_create_from_packet(message->get_packet(message));
	bool genuine = copy->parse_header(copy) == SUCCESS && hasync_message_ids_verify(ike_sa, copy);

	copy->destroy(copy);
	return genuine;
}

/* Until all fragments are there anybody may send something with this ID: of a fragment only a genuine one
 * counts. Anything else is verified, and noted by the plain hook, before the next packet is looked at. */
static void note_incoming(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message)
{
	chunk_t *noted = is_fragment(message) ? &memory->fragment_hash : &memory->incoming_hash;
	chunk_t hash = hash_packet(message);

	if (hash.len && (!is_fragment(message) || is_genuine(ike_sa, message)))
	{
		chunk_free(noted);
		*noted = hash;
		memory->incoming_id = message->get_message_id(message);
	}
	else
	{
		chunk_free(&hash);
	}
}

/* A packet as it came, not verified yet. */
static bool encoded_received(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message)
{
	uint32_t id = message->get_message_id(message);

	if (message->get_request(message))
	{
		if (memory->response_imported)
		{
			answer_repeated(memory, message);
		}
		if (id == ike_sa->get_message_id(ike_sa, FALSE))
		{
			note_incoming(ike_sa, memory, message);
		}
		else if (hasync_message_ids_are_behind(ike_sa, memory, message))
		{
			hasync_messages_repeat_requests(ike_sa, memory);
		}
		return FALSE;
	}
	return answer_received(ike_sa, memory, message);
}

bool hasync_message_received(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message, bool plain)
{
	uint32_t id = message->get_message_id(message);
	chunk_t *incoming;

	if (!plain)
	{
		return encoded_received(ike_sa, memory, message);
	}
	if (message->get_request(message))
	{
		hasync_rekey_peer_asks(ike_sa, memory, message);
		hasync_resume_peer_asks(ike_sa, message);
		incoming = message->get_packet_data(message).len ? &memory->incoming_hash : &memory->fragment_hash;
		if (incoming->len && memory->incoming_id == id)
		{
			chunk_free(&memory->request_hash);
			memory->request_hash = *incoming;
			*incoming = chunk_empty;
		}
	}
	else if (id == memory->request.id)
	{
		memory->ids.sending = FALSE;
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

/* A node that takes over may be told before it has the address. */
static bool has_address(ike_sa_t *ike_sa)
{
	return charon->kernel->get_interface(charon->kernel, ike_sa->get_my_host(ike_sa), NULL);
}

static bool has_unanswered(const hasync_memory_t *memory)
{
	return array_count(memory->imported_requests) || memory->request.resumed;
}

/* FALSE if there is nothing to be sent any more. */
static bool send_unanswered(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	host_t *me = ike_sa->get_my_host(ike_sa), *other = ike_sa->get_other_host(ike_sa);
	const hasync_sent_t *sync = hasync_message_ids_request(ike_sa, memory);
	hasync_sent_t *sent;
	int i;

	if (sync)
	{
		send_packets(sync, me, other);
		return TRUE;
	}
	for (i = 0; i < array_count(memory->imported_requests); i++)
	{
		array_get(memory->imported_requests, i, &sent);
		send_packets(sent, me, other);
	}
	if (memory->request.resumed)
	{
		send_packets(&memory->request, me, other);
	}
	return has_unanswered(memory);
}

static job_requeue_t repeat_for(repeat_t *repeat, ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	if (ike_sa->get_state(ike_sa) == IKE_PASSIVE || memory->activations != repeat->activation)
	{
		return JOB_REQUEUE_NONE;
	}
	if (repeat->waited_ms < ADDRESS_WAIT_MS && !has_address(ike_sa))
	{
		repeat->waited_ms += ADDRESS_POLL_MS;
		return JOB_RESCHEDULE_MS(ADDRESS_POLL_MS);
	}
	if (repeat->tries >= (int)countof(repeat_after) - 1 && has_unanswered(memory))
	{
		hasync_message_ids_unanswered(memory);
	}
	if (!send_unanswered(ike_sa, memory))
	{
		return JOB_REQUEUE_NONE;
	}
	if (hasync_message_ids_are_pending(memory))
	{
		return JOB_RESCHEDULE(SYNC_INTERVAL);
	}
	return JOB_RESCHEDULE(repeat_after[min(repeat->tries++, (int)countof(repeat_after) - 1)]);
}

static job_requeue_t repeat_requests(repeat_t *repeat)
{
	ike_sa_t *ike_sa = charon->ike_sa_manager->checkout(charon->ike_sa_manager, repeat->id);
	job_requeue_t next = JOB_REQUEUE_NONE;

	if (ike_sa)
	{
		next = repeat_for(repeat, ike_sa, hasync_memory_of(ike_sa));
		charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
	}
	return next;
}

void hasync_messages_repeat_requests(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	ike_sa_id_t *id = ike_sa->get_id(ike_sa);
	repeat_t *repeat;

	memory->activations++;
	if (!memory->ids.due && !has_unanswered(memory))
	{
		return;
	}
	INIT(repeat, .id = id->clone(id), .activation = memory->activations);
	lib->processor->queue_job(lib->processor,
							  (job_t *)callback_job_create((callback_job_cb_t)repeat_requests, repeat,
														   (callback_job_cleanup_t)repeat_destroy, NULL));
}

void hasync_messages_charon_repeats(ike_sa_t *ike_sa, uint32_t times)
{
	hasync_memory_t *memory = times >= CHARON_TRIES ? hasync_memory_of(ike_sa) : NULL;

	if (memory && hasync_message_ids_unanswered(memory))
	{
		hasync_messages_repeat_requests(ike_sa, memory);
	}
}
