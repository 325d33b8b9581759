/*
 * Remembers the bytes of IKE messages that may have to be sent again by another node, and repeats those that
 * were imported: charon's task manager knows only what it has sent itself. RFC 7296, section 2.1: a response
 * is repeated for a repeated request, a request until its response has come.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_MESSAGES_H_
#define HASYNC_MESSAGES_H_

#include "memory.h"

/* From the message hook. TRUE if the IKE_SA's context has changed. */
bool hasync_message_sent(hasync_memory_t *memory, message_t *message, bool plain);
bool hasync_message_received(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message, bool plain);

/* Sends the imported requests that wait for a response, or the one that agrees on message IDs, now and again,
 * until they are answered or the IKE_SA is not active here any more. The caller has checked out the IKE_SA.
 */
void hasync_messages_repeat_requests(ike_sa_t *ike_sa, hasync_memory_t *memory);

/* charon itself repeats a request, the last time of so many. */
void hasync_messages_charon_repeats(ike_sa_t *ike_sa, uint32_t times);

#endif
