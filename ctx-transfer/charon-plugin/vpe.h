/*
 * CHILD_SAs that are VPE (docs/decisions/0012-vpe-keys.md): agreed with the peer by a notify, told to the
 * client that receives VPE. Where the peer does not agree they are ESP, and their policies are installed
 * here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_VPE_H_
#define HASYNC_VPE_H_

#include "memory.h"
#include "server.h"

/* From the hook of a message that is not encrypted yet, or not any more. */
void hasync_vpe_negotiate(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory,
						  message_t *message, bool incoming);

/* The keys of this CHILD_SA are there: is it VPE? `initiator`: of the exchange. */
void hasync_vpe_derived(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory,
						hasync_child_t *child, child_sa_t *child_sa, bool initiator);

/* From the hook of a CHILD_SA's state, before it is forgotten. */
void hasync_vpe_child_state(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory,
							child_sa_t *child_sa, child_sa_state_t state);

/* The CHILD_SA with this SPI (network order), if it is VPE; else NULL. */
hasync_child_t *hasync_vpe_find(ike_sa_t *ike_sa, hasync_memory_t *memory, uint32_t spi, bool inbound,
								child_sa_t **child_sa);

/* To the client that receives VPE, if there is one. */
void hasync_vpe_tell(hasync_server_t *server, ike_sa_t *ike_sa, hasync_child_t *child, child_sa_t *child_sa);

/* A context was PUT: what is new in it is told. */
void hasync_vpe_put(hasync_server_t *server, const Hasync__Proto__Context *context);

/* The cluster's log has given places. What is not here (any more), or was not given to the client that is
 * here, is passed over. */
void hasync_vpe_give(hasync_server_t *server, const Hasync__Proto__GiveVpe *give);

/* Of which CHILD_SAs of this IKE_SA something has changed is told, or all of them. */
void hasync_vpe_settle(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory, bool all);

/* Everything there is, then Synced, to the client that has just begun to receive VPE. */
void hasync_vpe_tell_all(hasync_server_t *server, uint64_t client);

#endif
