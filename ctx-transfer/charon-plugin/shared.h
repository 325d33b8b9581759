/*
 * The addresses that move from node to node together with the IKE_SAs. MOBIKE (RFC 4555) tells a peer on one
 * of them of no other kind: a peer that went to an address which stays with a node would be lost with that
 * node.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_SHARED_H_
#define HASYNC_SHARED_H_

#include "charon_types.h"
#include "plugin.pb-c.h"

typedef struct hasync_shared_t hasync_shared_t;

hasync_shared_t *hasync_shared_create();
void hasync_shared_destroy(hasync_shared_t *this);

/* These from now on; also when the client that has said so is gone. */
void hasync_shared_set(hasync_shared_t *this, Hasync__Proto__SharedAddress **addresses, size_t count);

/* A message that is about to be encrypted, of an IKE_SA on a shared address: it tells of no address but
 * shared ones on the same interface. What hosts behind the gateways use is on another. */
void hasync_shared_tell(hasync_shared_t *this, ike_sa_t *ike_sa, message_t *message);

#endif
