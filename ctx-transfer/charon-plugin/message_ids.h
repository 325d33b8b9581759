/*
 * Message ID synchronisation, the cluster member's side (RFC 6311, section 5.1): a node that has taken an
 * IKE_SA over, and may have missed its last messages, agrees with the peer on the next message IDs of both.
 *
 * Not for contexts that are exact: what is in flight then is repeated byte for byte, and a sync would make
 * the peer begin it anew (docs/decisions/0006-message-ids.md).
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

/* Puts the request in the place of what was imported as unanswered; whoever repeats those sends it. FALSE if
 * the peer has not offered it or it cannot be made. The caller has checked out the IKE_SA. */
bool hasync_message_ids_request(ike_sa_t *ike_sa, hasync_memory_t *memory);

/* The verified answer. */
void hasync_message_ids_answered(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message);

#endif
