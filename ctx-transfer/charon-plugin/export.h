/*
 * GET: makes the context of an IKE_SA that the caller has checked out.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_EXPORT_H_
#define HASYNC_EXPORT_H_

#include "convert.h"

/*
 * The context lives in the arena; it holds keys. NULL and the error if the SA cannot be carried on elsewhere:
 * keys that are not known, not established yet, or of a kind that a context cannot describe.
 */
Hasync__Proto__Context *hasync_export(ike_sa_t *ike_sa, hasync_arena_t *arena, hasync_error_t *error);

/* What can be said of any IKE_SA. */
Hasync__Proto__SaSummary *hasync_summarize(ike_sa_t *ike_sa, hasync_arena_t *arena);

Hasync__Proto__SaState hasync_state_of(ike_sa_t *ike_sa);

/* Established, and not gone yet. */
bool hasync_is_established(ike_sa_t *ike_sa);

/* FALSE if the keys of the IKE_SA or of one of its CHILD_SAs were derived before the plugin was loaded. */
bool hasync_keys_known(ike_sa_t *ike_sa);

#endif
