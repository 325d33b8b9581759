/*
 * The policies that `policies = no` leaves out, for a CHILD_SA that stands in for VPE as ESP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_VPE_POLICIES_H_
#define HASYNC_VPE_POLICIES_H_

#include "memory.h"

/* With the addresses that the IKE_SA has now. */
void hasync_vpe_policies_install(ike_sa_t *ike_sa, hasync_child_t *child, child_sa_t *child_sa);

/* Those that were installed, if any. */
void hasync_vpe_policies_remove(hasync_child_t *child, child_sa_t *child_sa);

#endif
