/*
 * charon's headers, with the layouts that this plugin was built for asserted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_CHARON_TYPES_H_
#define HASYNC_CHARON_TYPES_H_

#include <library.h>

#include <bus/listeners/listener.h>
#include <collections/array.h>
#include <collections/linked_list.h>
#include <daemon.h>
#include <sa/child_sa.h>
#include <sa/ike_sa.h>

_Static_assert(sizeof(ike_sa_t) == 728, "ike_sa_t is not that of strongSwan " VERSION " with mediation");
_Static_assert(sizeof(peer_cfg_t) == HASYNC_PEER_CFG,
			   "peer_cfg_t is not that of strongSwan " VERSION " with mediation");
_Static_assert(sizeof(daemon_t) == 176, "daemon_t is not that of strongSwan " VERSION " with mediation");
_Static_assert(sizeof(child_sa_t) == HASYNC_CHILD_SA, "child_sa_t is not that of strongSwan " VERSION);
_Static_assert(sizeof(listener_t) == 160, "listener_t is not that of strongSwan " VERSION);

#endif
