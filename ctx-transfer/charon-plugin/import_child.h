/*
 * The CHILD_SAs' part of PUT.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_IMPORT_CHILD_H_
#define HASYNC_IMPORT_CHILD_H_

#include "context_check.h"
#include "memory.h"

/* FALSE and the error if the connection has no child of one of these names. */
bool hasync_import_has_configs(peer_cfg_t *peer_cfg, const Hasync__Proto__Context *context,
							   hasync_error_t *error);

/*
 * Installs the CHILD_SAs of the context that exist nowhere here. Those that belong to another passive IKE_SA
 * here (which this one has replaced) are counted in *elsewhere and left there. FALSE and the error: none was
 * kept.
 */
bool hasync_import_new_children(ike_sa_t *ike_sa, const Hasync__Proto__Context *context, int *elsewhere,
								hasync_error_t *error);

/* Takes the CHILD_SAs of the context that other passive IKE_SAs here have. Cannot fail. */
void hasync_import_move_children(ike_sa_t *ike_sa, const Hasync__Proto__Context *context);

/* Brings those that were there already up to date, and removes those that the context does not have. */
void hasync_import_update_children(ike_sa_t *ike_sa, const Hasync__Proto__Context *context);

#endif
