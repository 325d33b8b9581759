/*
 * A peer is asked to send VPE in fresh windows, and what it says (docs/decisions/0015-fresh-windows.md). Both
 * ends of it: a gateway that has taken over asks, a peer whose vped sends moves on and answers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_VPE_FRESH_H_
#define HASYNC_VPE_FRESH_H_

#include "memory.h"
#include "server.h"

/* The peers of these CHILD_SAs are asked, each IKE_SA's in one message. What is no VPE, or not here and
 * active, is passed over. */
void hasync_vpe_fresh_ask(const Hasync__Proto__AskFresh *request);

/* A request that came from another node is answered: what waited for that is asked. */
void hasync_vpe_fresh_resume(ike_sa_t *ike_sa, hasync_memory_t *memory);

/* From the hook of a message that is not encrypted yet, or not any more. */
void hasync_vpe_fresh_message(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory,
							  message_t *message, bool incoming);

/* The client that receives VPE takes nothing older any more: subscribers are told. */
void hasync_vpe_fresh_retired(hasync_server_t *server, const Hasync__Proto__RetiredVpe *request);

#endif
