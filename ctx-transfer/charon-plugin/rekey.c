/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rekey.h"

#include "export.h"
#include "keymat.h"
#include "private_value.h"

#include <encoding/payloads/ke_payload.h>
#include <encoding/payloads/nonce_payload.h>
#include <encoding/payloads/sa_payload.h>

void hasync_rekey_destroy(hasync_rekey_t *this)
{
	chunk_free(&this->nonce);
	chunk_clear(&this->private_value);
	chunk_free(&this->rival_nonce);
	free(this);
}

/* FALSE if there is no proposal. */
static bool read_proposal(sa_payload_t *payload, protocol_id_t *protocol, uint64_t *spi)
{
	linked_list_t *proposals = payload->get_proposals(payload);
	proposal_t *first;
	bool found = proposals->get_first(proposals, (void **)&first) == SUCCESS;

	if (found)
	{
		*protocol = first->get_protocol(first);
		*spi = first->get_spi(first);
	}
	proposals->destroy_offset(proposals, offsetof(proposal_t, destroy));
	return found;
}

hasync_rekey_t *hasync_rekey_of(message_t *request)
{
	sa_payload_t *sa = (sa_payload_t *)request->get_payload(request, PLV2_SECURITY_ASSOCIATION);
	nonce_payload_t *nonce = (nonce_payload_t *)request->get_payload(request, PLV2_NONCE);
	ke_payload_t *ke = (ke_payload_t *)request->get_payload(request, PLV2_KEY_EXCHANGE);
	notify_payload_t *rekeyed = request->get_notify(request, REKEY_SA);
	protocol_id_t protocol;
	hasync_rekey_t *this;
	uint64_t spi;

	if (request->get_exchange_type(request) != CREATE_CHILD_SA || !sa || !nonce ||
		!read_proposal(sa, &protocol, &spi) || (protocol != PROTO_IKE && !rekeyed))
	{
		return NULL;
	}
	INIT(this, .child_spi = protocol == PROTO_IKE ? 0 : rekeyed->get_spi(rekeyed), .spi = spi,
		 .nonce = nonce->get_nonce(nonce), .method = ke ? ke->get_key_exchange_method(ke) : KE_NONE);
	return this;
}

void hasync_rekey_note(hasync_memory_t *memory, message_t *request)
{
	ke_payload_t *ke = (ke_payload_t *)request->get_payload(request, PLV2_KEY_EXCHANGE);

	if (memory->begun)
	{
		hasync_rekey_destroy(memory->begun);
	}
	memory->begun = hasync_rekey_of(request);
	if (memory->begun && ke && memory->drawn.private_value.len &&
		chunk_equals(memory->drawn.public_value, ke->get_key_exchange_data(ke)))
	{
		memory->begun->private_value = memory->drawn.private_value;
		memory->drawn.private_value = chunk_empty;
	}
}

chunk_t hasync_rekey_lower_nonce(message_t *message, chunk_t other)
{
	nonce_payload_t *payload = (nonce_payload_t *)message->get_payload(message, PLV2_NONCE);
	chunk_t nonce = payload ? payload->get_nonce(payload) : chunk_empty;

	if (nonce.len && memcmp(nonce.ptr, other.ptr, min(nonce.len, other.len)) < 0)
	{
		return nonce;
	}
	chunk_free(&nonce);
	return chunk_clone(other);
}

void hasync_rekey_peer_asks(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *request)
{
	nonce_payload_t *nonce = (nonce_payload_t *)request->get_payload(request, PLV2_NONCE);
	notify_payload_t *rekeyed = request->get_notify(request, REKEY_SA);
	child_sa_t *child_sa = NULL;

	chunk_free(&memory->asked.nonce);
	if (rekeyed && nonce)
	{
		/* the SPI is what the peer receives with */
		child_sa =
			ike_sa->get_child_sa(ike_sa, rekeyed->get_protocol_id(rekeyed), rekeyed->get_spi(rekeyed), FALSE);
	}
	if (child_sa)
	{
		memory->asked.nonce = nonce->get_nonce(nonce);
		memory->asked.child_spi = child_sa->get_spi(child_sa, TRUE);
	}
}

void hasync_rekey_peer_answered(hasync_memory_t *memory, message_t *response)
{
	hasync_rekey_t *ours = memory->request.rekey;

	if (ours && memory->asked.nonce.len && memory->asked.child_spi == ours->child_spi &&
		response->get_payload(response, PLV2_SECURITY_ASSOCIATION))
	{
		chunk_free(&ours->rival_nonce);
		ours->rival_nonce = hasync_rekey_lower_nonce(response, memory->asked.nonce);
	}
	chunk_free(&memory->asked.nonce);
}

key_exchange_t *hasync_rekey_create_ke(keymat_t *keymat, key_exchange_method_t method)
{
	ike_sa_t *ike_sa = charon->bus->get_sa(charon->bus);
	hasync_memory_t *memory = ike_sa && hasync_is_established(ike_sa) ? hasync_memory_of(ike_sa) : NULL;
	chunk_t value, public_value = chunk_empty;
	key_exchange_t *ke;

	if (!memory || !hasync_private_value_draw(method, &value))
	{
		return keymat->create_ke(keymat, method);
	}
	ke = hasync_private_value_use(keymat, method, value);
	if (!ke || !ke->get_public_key(ke, &public_value))
	{
		DESTROY_IF(ke);
		chunk_clear(&value);
		return keymat->create_ke(keymat, method);
	}
	hasync_drawn_clear(&memory->drawn);
	memory->drawn = (hasync_drawn_t){.private_value = value, .public_value = public_value};
	return ke;
}
