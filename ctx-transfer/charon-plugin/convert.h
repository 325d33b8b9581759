/*
 * Between charon's objects and the messages of context.proto. Numbers are IANA's on both sides; SPIs and
 * addresses are network order in charon, and SPIs host order in the messages.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_CONVERT_H_
#define HASYNC_CONVERT_H_

#include "arena.h"
#include "charon_types.h"
#include "context_check.h"

/* To messages, in the arena. Absent (NULL) for what does not exist. */
Hasync__Proto__SaId *hasync_from_ike_sa_id(hasync_arena_t *arena, ike_sa_id_t *id);
Hasync__Proto__Host *hasync_from_host(hasync_arena_t *arena, host_t *host);
Hasync__Proto__Identity *hasync_from_identity(hasync_arena_t *arena, identification_t *id);
Hasync__Proto__Algorithm *hasync_from_proposal(hasync_arena_t *arena, proposal_t *proposal,
											   transform_type_t type);
Hasync__Proto__Remaining *hasync_from_time(hasync_arena_t *arena, time_t when);
Hasync__Proto__TrafficSelector *hasync_from_selector(hasync_arena_t *arena, traffic_selector_t *ts);
ProtobufCBinaryData hasync_from_chunk(hasync_arena_t *arena, chunk_t chunk);

/* Fills conditions and extensions of the message. */
void hasync_from_flags(hasync_arena_t *arena, ike_sa_t *ike_sa, Hasync__Proto__IkeSa *ike);

/* To charon's objects, owned by the caller. The messages have passed hasync_context_check. */
ike_sa_id_t *hasync_to_ike_sa_id(uint64_t initiator_spi, uint64_t responder_spi, bool initiator);
host_t *hasync_to_host(const Hasync__Proto__Host *host);
identification_t *hasync_to_identity(const Hasync__Proto__Identity *id);
traffic_selector_t *hasync_to_selector(const Hasync__Proto__TrafficSelector *ts);
proposal_t *hasync_to_ike_proposal(const Hasync__Proto__IkeSa *ike);
proposal_t *hasync_to_child_proposal(const Hasync__Proto__ChildSa *child);
time_t hasync_to_time(const Hasync__Proto__Remaining *remaining); /* 0 if absent */
protocol_id_t hasync_to_protocol(uint32_t ip_protocol);
chunk_t hasync_to_chunk(ProtobufCBinaryData data); /* points into the message */

/* Sets conditions (those not named are cleared) and extensions on the IKE_SA. */
void hasync_to_flags(const Hasync__Proto__IkeSa *ike, ike_sa_t *ike_sa);

#endif
