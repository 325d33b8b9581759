/*
 * A keymat_v2 around charon's own. For an IKE_SA that charon negotiates it only remembers the keys that are
 * derived; for an imported one it holds the raw keys itself and derives the keys of further CHILD_SAs from
 * SK_d.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_KEYMAT_H_
#define HASYNC_KEYMAT_H_

#include "memory.h"

#include <sa/ikev2/keymat_v2.h>

/* All IKE_SAs created from now on get such a keymat, or charon's own again. */
void hasync_keymat_register();
void hasync_keymat_unregister();

/* What is remembered of this IKE_SA; NULL if it was created before the plugin was loaded. */
hasync_memory_t *hasync_memory_of(ike_sa_t *ike_sa);

/* The memory of the IKE_SA whose keys are being derived by the calling thread, if any. */
hasync_memory_t *hasync_memory_deriving();

/*
 * Gives the keymat of an imported IKE_SA the keys in its memory. FALSE if an algorithm is not available here.
 */
bool hasync_keymat_import(ike_sa_t *ike_sa, proposal_t *proposal);

/* The same for an IKE_SA that was active, and has encrypted under message IDs that it is to use again. FALSE:
 * its keys are not known. */
bool hasync_keymat_renew(ike_sa_t *ike_sa);

#endif
