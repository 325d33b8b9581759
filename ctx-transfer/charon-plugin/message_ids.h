/*
 * Message ID synchronisation, the cluster member's side (RFC 6311, section 5.1): a node that has taken an
 * IKE_SA over, and may have missed its last messages, agrees with the peer on the next message IDs of both.
 *
 * Only once something shows that they were missed: a peer that waits for an answer gives up that request
 * when it is asked (docs/decisions/0006-message-ids.md).
 *
 * The caller has checked out the IKE_SA.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_MESSAGE_IDS_H_
#define HASYNC_MESSAGE_IDS_H_

#include "memory.h"

/* From the message hook, in plain: a peer's offer is noted and answered (RFC 6311, section 4). */
void hasync_message_ids_negotiate(ike_sa_t *ike_sa, message_t *message, bool incoming);

/* Whether this message, whose payloads are known, is such a one and no part of the IKE_SA's own count. */
bool hasync_message_ids_is_sync(message_t *message);

/* It becomes active. What was in doubt is forgotten; the IDs are from now on if the context may be behind,
 * and the peer can agree on them. */
void hasync_message_ids_begin(ike_sa_t *ike_sa, hasync_memory_t *memory, bool behind);

/* Decrypts an incoming message that charon will not, as its ID is not the one that it expects. */
bool hasync_message_ids_verify(ike_sa_t *ike_sa, message_t *message);

/* Of a request that has come in, not verified yet. TRUE if it makes the synchronisation due. */
bool hasync_message_ids_are_behind(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *request);

/* The peer lets our requests wait. TRUE if that makes the synchronisation due. */
bool hasync_message_ids_unanswered(hasync_memory_t *memory);

/* What is to be sent, again and again: the request, made if it is due. NULL if there is none, or the peer was
 * asked often enough: then it goes on with what is known. */
const hasync_sent_t *hasync_message_ids_request(ike_sa_t *ike_sa, hasync_memory_t *memory);

/* Between that request and its answer nothing else of the peer's is carried out: it gives up what it asks. */
bool hasync_message_ids_are_pending(const hasync_memory_t *memory);

/* Of a verified message that is one of these. TRUE if it is the answer, and message IDs are agreed. */
bool hasync_message_ids_answered(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message);

#endif
