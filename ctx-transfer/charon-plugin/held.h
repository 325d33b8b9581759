/*
 * What one IKE_SA wants to say and may not yet: packets in their order, each with the number of the report
 * that has to be stable first. No locks, no charon but for its packets and lists: commit.c does the rest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_HELD_H_
#define HASYNC_HELD_H_

#include "charon_types.h"

/* Of an IKE header; network order (RFC 7296, section 3.1). */
typedef struct
{
	uint64_t initiator, responder;
} hasync_spis_t;

hasync_spis_t hasync_spis_of(ike_sa_id_t *id);

/* FALSE if it is too short to have any. */
bool hasync_spis_of_packet(packet_t *packet, hasync_spis_t *spis);

/* For hashtables. */
u_int hasync_spis_hash(hasync_spis_t *spis);
bool hasync_spis_equal(hasync_spis_t *a, hasync_spis_t *b);

typedef struct
{
	hasync_spis_t spis;
	bool unreported;   /* something has changed since the last report */
	bool ended;        /* the IKE_SA is gone */
	uint64_t reported; /* number of the last report; 0: there was none */
	linked_list_t *packets;
} hasync_held_t;

/* In a list of packets that are to be sent or forgotten. */
typedef struct
{
	packet_t *packet;
	uint64_t event; /* 0: the next report */
	timeval_t until;
} hasync_waiting_t;

hasync_held_t *hasync_held_create(hasync_spis_t spis);
void hasync_held_destroy(hasync_held_t *this);
void hasync_waiting_destroy(hasync_waiting_t *waiting);

/* Takes the packet over. FALSE if too many wait; it is destroyed then. */
bool hasync_held_add(hasync_held_t *this, packet_t *packet, timeval_t until);

/* This report says all that has changed so far. */
void hasync_held_reported(hasync_held_t *this, uint64_t number);

/* Everything waits for another report: the numbers so far mean nothing any more. */
void hasync_held_restart(hasync_held_t *this);

/* Moves to the list what waits for a report up to `stable`; for one of first to last (which, being void,
 * never will be: what comes from here on waits for another); what has waited until `now`. The last returns
 * whether others wait, and brings `next` forward to when they have waited long enough. */
void hasync_held_take_stable(hasync_held_t *this, uint64_t stable, linked_list_t *list);
void hasync_held_take_void(hasync_held_t *this, uint64_t first, uint64_t last, linked_list_t *list);
bool hasync_held_take_overdue(hasync_held_t *this, const timeval_t *now, linked_list_t *list,
							  timeval_t *next);

/* Nothing waits, and nothing has to. */
bool hasync_held_is_done(const hasync_held_t *this, uint64_t stable);

#endif
