/*
 * What it takes to complete a rekey that this node has begun, by whoever owns the IKE_SA when the answer
 * comes (docs/decisions/0010-own-rekeys.md): read from the request before it is encrypted, kept with its
 * packets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_REKEY_H_
#define HASYNC_REKEY_H_

#include "memory.h"

/* SPIs are in network order, as charon has them. */
struct hasync_rekey_t
{
	uint32_t child_spi; /* inbound, of the CHILD_SA that is rekeyed; 0: the IKE_SA itself is */
	uint64_t spi;       /* offered for the new one */
	chunk_t nonce;
	key_exchange_method_t method; /* KE_NONE: without a key exchange */
	chunk_t private_value;        /* empty if it is not known */
	chunk_t rival_nonce; /* the lower one of the peer's rekey of the same CHILD_SA, which we have answered */
};

void hasync_rekey_destroy(hasync_rekey_t *this);

/* What a request that is not encrypted yet says; without the private value. NULL if it is no rekey. */
hasync_rekey_t *hasync_rekey_of(message_t *request);

/* charon is about to encrypt this request. */
void hasync_rekey_note(hasync_memory_t *memory, message_t *request);

/* The lower one decides which of two rekeys stays (RFC 7296, section 2.8.1). Of the message's nonce and
 * another. */
chunk_t hasync_rekey_lower_nonce(message_t *message, chunk_t other);

/* The peer asks for something; charon is about to encrypt the answer. */
void hasync_rekey_peer_asks(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *request);
void hasync_rekey_peer_answered(hasync_memory_t *memory, message_t *response);

/* A key exchange of charon's; where an established IKE_SA is at work, with a private value that is known. */
key_exchange_t *hasync_rekey_create_ke(keymat_t *keymat, key_exchange_method_t method);

#endif
