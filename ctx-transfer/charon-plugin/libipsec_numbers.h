/*
 * The same as numbers.h, for kernel-libipsec. libipsec is used only if charon has loaded it.
 * It has neither numbers above 32 bits nor a call to set an outbound number: that is counted up to. Its
 * inbound window is read and set number by number.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_LIBIPSEC_NUMBERS_H_
#define HASYNC_LIBIPSEC_NUMBERS_H_

#include "charon_types.h"
#include "context_check.h"
#include "xfrm/xfrm_ae.h"

bool hasync_libipsec_get(ike_sa_t *ike_sa, child_sa_t *child_sa, bool inbound, hasync_xfrm_ae_t *state);
bool hasync_libipsec_set(ike_sa_t *ike_sa, child_sa_t *child_sa, const Hasync__Proto__ChildSa *child,
						 hasync_error_t *error);

#endif
