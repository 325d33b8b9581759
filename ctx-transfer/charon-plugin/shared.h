/*
 * The addresses that move from node to node together with the IKE_SAs. An IKE_SA on one of them does not
 * leave them: a peer that went to an address which stays with a node would be lost with that node, and
 * neither fence nor gate judge what comes from there (docs/decisions/0014-shared-addresses.md).
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

/* A message that is about to be encrypted tells of no additional address but the shared ones on the interface
 * of the IKE_SA's own (what hosts behind the gateways use is on another); of none until it is known which
 * they are. An IKE_SA that is on another address may tell all. */
void hasync_shared_sent(hasync_shared_t *this, ike_sa_t *ike_sa, message_t *message);

/* A request of the peer's, decrypted: it moves no IKE_SA away from the shared addresses of its interface.
 * TRUE if it asked for that; it is answered by UNACCEPTABLE_ADDRESSES (RFC 4555, section 3.5). */
bool hasync_shared_received(hasync_shared_t *this, ike_sa_t *ike_sa, message_t *message);

/* FALSE: of an IKE_SA on a shared address, but from none of its interface: charon looks for a way to the
 * peer, or answers a peer that does. */
bool hasync_shared_may_send(hasync_shared_t *this, packet_t *packet);

void hasync_shared_forget(hasync_shared_t *this, ike_sa_id_t *id);

#endif
