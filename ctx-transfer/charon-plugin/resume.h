/*
 * A new owner lets charon begin a rekey again that the owner before it has begun, so that the peer's answer
 * completes it (docs/decisions/0010-own-rekeys.md): same task, same message ID, same nonce, private value and
 * SPI; and the same packets, which are taken from the context instead of being made.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_RESUME_H_
#define HASYNC_RESUME_H_

#include "memory.h"

/* From now on charon asks here for SPIs; most it gets from where it got them before. */
void hasync_resume_init();
void hasync_resume_deinit();

/* If the last imported request is a rekey, charon goes on with it. The caller has checked out the IKE_SA,
 * which is active. */
void hasync_resume_rekey(ike_sa_t *ike_sa, hasync_memory_t *memory);

/* The peer asks for something, and charon is about to work on it. */
void hasync_resume_peer_asks(ike_sa_t *ike_sa, message_t *request);

/* The peer's answer to a request has come, and charon is about to work on it. */
void hasync_resume_answered(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *response);

/* What charon uses for the rekey that the calling thread resumes; NULL if it resumes none, or this cannot be.
 */
nonce_gen_t *hasync_resume_nonce_gen();
bool hasync_resume_is_active();
key_exchange_t *hasync_resume_create_ke(keymat_t *keymat, key_exchange_method_t method);

/* Keys must not be made of this nonce of ours: they would not be the peer's. */
bool hasync_resume_is_refused(hasync_memory_t *memory, chunk_t nonce);

#endif
