/*
 * Sequence numbers, replay windows and usage of the SAs of a CHILD_SA, in the kernel or, where charon's own
 * user-space ESP (kernel-libipsec) does the work, there. That one gives out outbound numbers only, and has no
 * bitmap to read.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_NUMBERS_H_
#define HASYNC_NUMBERS_H_

#include "charon_types.h"
#include "context_check.h"
#include "window.h"
#include "xfrm/xfrm_ae.h"

/* Looks up what is needed once charon's kernel backend is loaded. */
bool hasync_numbers_init();
void hasync_numbers_deinit();

/* One direction of an installed CHILD_SA. FALSE if it cannot be read; *state is then all zero. */
bool hasync_numbers_get(ike_sa_t *ike_sa, child_sa_t *child_sa, bool inbound, hasync_xfrm_ae_t *state);

/*
 * Sets both directions of a freshly installed CHILD_SA to what the context says, before its policies are
 * installed. FALSE and the error if the kernel refuses.
 */
bool hasync_numbers_set(ike_sa_t *ike_sa, child_sa_t *child_sa, const Hasync__Proto__ChildSa *child,
						hasync_error_t *error);

/* Has the kernel keep this SPI (network order) for an inbound SA that is to come. FALSE: it is taken. */
bool hasync_numbers_reserve(host_t *source, host_t *destination, uint8_t protocol, uint32_t spi);

/* The replay window that a context describes, in the words given. */
hasync_window_t hasync_window_of_context(const Hasync__Proto__ChildSa *child,
										 uint32_t words[HASYNC_XFRM_BITMAP_WORDS]);

#endif
