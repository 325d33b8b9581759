/*
 * Makes an IKE_SA active or passive here, lets it go without a word to the peer, and starts rekeys.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_CONTROL_H_
#define HASYNC_CONTROL_H_

#include "context_check.h"
#include "memory.h"

/* Checks out by SPIs, whichever side was the original initiator. NULL if there is none. */
ike_sa_t *hasync_checkout(uint64_t initiator_spi, uint64_t responder_spi);

/*
 * From passive to active: timers run with the time that is left, unanswered requests are repeated, charon
 * answers. A context that may be behind: message_ids.h. The caller has checked out the IKE_SA.
 */
void hasync_activate(ike_sa_t *ike_sa, bool may_be_behind);

/* From active to passive: nothing is sent any more, nothing is answered. The caller has checked out the
 * IKE_SA. */
void hasync_deactivate(ike_sa_t *ike_sa);

/* These carry out requests. FALSE and the error if it is not possible; what could be done of a list is done.
 */
bool hasync_set_state(const Hasync__Proto__SetState *request, hasync_error_t *error);
bool hasync_release(const Hasync__Proto__Release *request, hasync_error_t *error);
bool hasync_rekey(const Hasync__Proto__Rekey *request, hasync_error_t *error);

#endif
