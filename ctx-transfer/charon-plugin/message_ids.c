/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "message_ids.h"

#include <bio/bio_reader.h>
#include <bio/bio_writer.h>

#define NONCE_LENGTH 4

/* M1 has to be above every ID that the lost owner may have used (RFC 6311, section 5.1); it had one window
 * for each message that had not become known. */
#define MARGIN 64

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
	data->write_data(data, chunk_from_thing(memory->sync_nonce));
	data->write_uint32(data, ike_sa->get_message_id(ike_sa, TRUE) + MARGIN);
	data->write_uint32(data, ike_sa->get_message_id(ike_sa, FALSE));
	message->add_notify(message, FALSE, IKEV2_MESSAGE_ID_SYNC, data->get_buf(data));
	data->destroy(data);
	return message;
}

static bool draw_nonce(hasync_memory_t *memory)
{
	rng_t *rng = lib->crypto->create_rng(lib->crypto, RNG_WEAK);
	bool drawn = rng && rng->get_bytes(rng, sizeof(memory->sync_nonce), (uint8_t *)&memory->sync_nonce);

	DESTROY_IF(rng);
	return drawn;
}

bool hasync_message_ids_request(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	hasync_sent_t *sent;
	message_t *message;
	packet_t *packet;
	bool made;

	if (!ike_sa->supports_extension(ike_sa, EXT_IKE_MESSAGE_ID_SYNC) || !draw_nonce(memory))
	{
		return FALSE;
	}
	message = make_request(ike_sa, memory);
	made = ike_sa->generate_message(ike_sa, message, &packet) == SUCCESS;
	if (made)
	{
		array_destroy_function(memory->imported_requests, (void *)hasync_sent_destroy, NULL);
		memory->imported_requests = array_create(0, 0);
		INIT(sent, .id = 0);
		hasync_sent_add(sent, packet->get_data(packet));
		array_insert(memory->imported_requests, ARRAY_TAIL, sent);
		packet->destroy(packet);
	}
	message->destroy(message);
	return made;
}

void hasync_message_ids_answered(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message)
{
	notify_payload_t *notify = message->get_notify(message, IKEV2_MESSAGE_ID_SYNC);
	bio_reader_t *data = notify ? bio_reader_create(notify->get_notification_data(notify)) : NULL;
	uint32_t theirs, ours; /* P2: what the peer will ask next; M2: what it waits for */
	chunk_t nonce;

	if (data && data->read_data(data, NONCE_LENGTH, &nonce) && data->read_uint32(data, &theirs) &&
		data->read_uint32(data, &ours) && chunk_equals_const(nonce, chunk_from_thing(memory->sync_nonce)) &&
		theirs >= ike_sa->get_message_id(ike_sa, FALSE) && ours >= ike_sa->get_message_id(ike_sa, TRUE))
	{
		DBG1(DBG_IKE, "hasync: message IDs agreed: initiating %u, responding %u", ours, theirs);
		ike_sa->set_message_id(ike_sa, FALSE, theirs);
		ike_sa->set_message_id(ike_sa, TRUE, ours);
	}
	else
	{
		DBG1(DBG_IKE, "hasync: the peer's answer to a message ID sync is not one");
	}
	DESTROY_IF(data);
}
