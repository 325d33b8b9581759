/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "message_ids.h"

#include "keymat.h"

#include <bio/bio_reader.h>
#include <bio/bio_writer.h>
#include <processing/jobs/initiate_tasks_job.h>

#define NONCE_LENGTH 4

/* M1 has to be above every ID that the lost owner may have used (RFC 6311, section 5.1); it had one window
 * for each message that had not become known. */
#define MARGIN 64

#define MAX_TRIES 5

void hasync_message_ids_negotiate(ike_sa_t *ike_sa, message_t *message, bool incoming)
{
	if (message->get_exchange_type(message) != IKE_AUTH || message->get_request(message) != incoming)
	{
		return;
	}
	if (incoming && message->get_notify(message, IKEV2_MESSAGE_ID_SYNC_SUPPORTED))
	{
		ike_sa->enable_extension(ike_sa, EXT_IKE_MESSAGE_ID_SYNC);
	}
	/* in the last response, which has our AUTH */
	if (!incoming && message->get_payload(message, PLV2_AUTH) &&
		ike_sa->get_state(ike_sa) == IKE_ESTABLISHED &&
		ike_sa->supports_extension(ike_sa, EXT_IKE_MESSAGE_ID_SYNC))
	{
		message->add_notify(message, FALSE, IKEV2_MESSAGE_ID_SYNC_SUPPORTED, chunk_empty);
	}
}

bool hasync_message_ids_is_sync(message_t *message)
{
	/* a responder's own first request has ID 0 as well */
	return message->get_message_id(message) == 0 && message->get_exchange_type(message) == INFORMATIONAL &&
		   message->get_notify(message, IKEV2_MESSAGE_ID_SYNC);
}

static void end(hasync_memory_t *memory)
{
	hasync_sent_clear(&memory->ids.sync);
	memory->ids.sending = memory->ids.receiving = FALSE;
	memory->ids.tries = 0;
}

void hasync_message_ids_begin(ike_sa_t *ike_sa, hasync_memory_t *memory, bool behind)
{
	end(memory);
	memory->ids.due = FALSE;
	memory->ids.sending = behind && ike_sa->supports_extension(ike_sa, EXT_IKE_MESSAGE_ID_SYNC);
	memory->ids.receiving = memory->ids.sending;
}

/* What is not encrypted is of anybody: an IKE_SA_INIT message parses with any IKE_SA's SPIs. */
bool hasync_message_ids_verify(ike_sa_t *ike_sa, message_t *message)
{
	payload_type_t first = message->get_first_payload_type(message);

	return (first == PLV2_ENCRYPTED || first == PLV2_FRAGMENT) &&
		   message->parse_body(message, ike_sa->get_keymat(ike_sa)) == SUCCESS;
}

bool hasync_message_ids_are_behind(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *request)
{
	if (!memory->ids.receiving || memory->ids.due || hasync_message_ids_are_pending(memory) ||
		request->get_message_id(request) <= ike_sa->get_message_id(ike_sa, FALSE) ||
		!hasync_message_ids_verify(ike_sa, request))
	{
		return FALSE;
	}
	DBG1(DBG_IKE, "hasync: the peer is further than this node knows, message IDs have to be agreed");
	memory->ids.due = TRUE;
	return TRUE;
}

bool hasync_message_ids_unanswered(hasync_memory_t *memory)
{
	if (!memory->ids.sending || memory->ids.due || hasync_message_ids_are_pending(memory))
	{
		return FALSE;
	}
	DBG1(DBG_IKE, "hasync: the peer does not answer, message IDs have to be agreed");
	memory->ids.due = TRUE;
	return TRUE;
}

bool hasync_message_ids_are_pending(const hasync_memory_t *memory)
{
	return array_count(memory->ids.sync.packets) > 0;
}

static message_t *make_request(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	host_t *me = ike_sa->get_my_host(ike_sa), *other = ike_sa->get_other_host(ike_sa);
	message_t *message = message_create(IKEV2_MAJOR_VERSION, IKEV2_MINOR_VERSION);
	bio_writer_t *data = bio_writer_create(3 * sizeof(uint32_t));

	message->set_source(message, me->clone(me));
	message->set_destination(message, other->clone(other));
	message->set_exchange_type(message, INFORMATIONAL);
	message->set_request(message, TRUE);
	message->set_message_id(message, 0);
	data->write_data(data, chunk_from_thing(memory->ids.nonce));
	data->write_uint32(data, ike_sa->get_message_id(ike_sa, TRUE) + MARGIN);
	data->write_uint32(data, ike_sa->get_message_id(ike_sa, FALSE));
	message->add_notify(message, FALSE, IKEV2_MESSAGE_ID_SYNC, data->get_buf(data));
	data->destroy(data);
	return message;
}

static bool draw_nonce(hasync_memory_t *memory)
{
	rng_t *rng = lib->crypto->create_rng(lib->crypto, RNG_WEAK);
	bool drawn = rng && rng->get_bytes(rng, sizeof(memory->ids.nonce), (uint8_t *)&memory->ids.nonce);

	DESTROY_IF(rng);
	return drawn;
}

/* charon makes IVs of message IDs and refuses to make one twice: ID 0 takes ciphers of its own. */
static void make_sync(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	message_t *message;
	packet_t *packet;
	bool made;

	if (!draw_nonce(memory) || !hasync_keymat_renew(ike_sa))
	{
		return;
	}
	message = make_request(ike_sa, memory);
	memory->ids.making = TRUE;
	made = ike_sa->generate_message(ike_sa, message, &packet) == SUCCESS;
	memory->ids.making = FALSE;
	if (made)
	{
		hasync_sent_add(&memory->ids.sync, packet->get_data(packet));
		packet->destroy(packet);
	}
	message->destroy(message);
}

const hasync_sent_t *hasync_message_ids_request(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	if (memory->ids.due)
	{
		memory->ids.due = FALSE;
		make_sync(ike_sa, memory);
	}
	if (hasync_message_ids_are_pending(memory) && memory->ids.tries++ == MAX_TRIES)
	{
		DBG1(DBG_IKE, "hasync: the peer does not agree on message IDs");
		end(memory);
	}
	return hasync_message_ids_are_pending(memory) ? &memory->ids.sync : NULL;
}

/* What was asked before has no answer any more: charon asks again, under IDs that are agreed. */
static void start_anew(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	hasync_memory_forget_requests(memory);
	hasync_sent_clear(&memory->request);
	end(memory);
	lib->processor->queue_job(lib->processor, (job_t *)initiate_tasks_job_create(ike_sa->get_id(ike_sa)));
}

static bool agree(ike_sa_t *ike_sa, hasync_memory_t *memory, notify_payload_t *notify)
{
	bio_reader_t *data = bio_reader_create(notify->get_notification_data(notify));
	uint32_t theirs, ours; /* P2: what the peer will ask next; M2: what it waits for */
	chunk_t nonce;
	bool agreed =
		data->read_data(data, NONCE_LENGTH, &nonce) && data->read_uint32(data, &theirs) &&
		data->read_uint32(data, &ours) && chunk_equals_const(nonce, chunk_from_thing(memory->ids.nonce)) &&
		theirs >= ike_sa->get_message_id(ike_sa, FALSE) && ours >= ike_sa->get_message_id(ike_sa, TRUE);

	if (agreed)
	{
		DBG1(DBG_IKE, "hasync: message IDs agreed: initiating %u, responding %u", ours, theirs);
		ike_sa->set_message_id(ike_sa, FALSE, theirs);
		ike_sa->set_message_id(ike_sa, TRUE, ours);
		start_anew(ike_sa, memory);
	}
	data->destroy(data);
	return agreed;
}

bool hasync_message_ids_answered(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message)
{
	if (message->get_request(message) || !hasync_message_ids_are_pending(memory))
	{
		return FALSE;
	}
	if (!agree(ike_sa, memory, message->get_notify(message, IKEV2_MESSAGE_ID_SYNC)))
	{
		DBG1(DBG_IKE, "hasync: the peer's answer to a message ID sync is not one");
		return FALSE;
	}
	return TRUE;
}
