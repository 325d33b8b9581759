/*
 * Output commit: an IKE message of ours leaves only when the change that it tells of is stable in the cluster
 * (design.md, section 7). Takes the place of charon's sender. A change of an IKE_SA marks it; until a client
 * has said that the event which reports the change is stable, packets of that IKE_SA wait. Nothing blocks: a
 * packet whose wait is over is dropped (the peer asks again, RFC 7296, section 2.1) or, if so configured, let
 * go.
 *
 * Until a client has asked for it, and for IKE_SAs that nobody reports, charon's sender is all there is. From
 * then on it stays: while the client is away, what has changed is not told.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_COMMIT_H_
#define HASYNC_COMMIT_H_

#include "charon_types.h"

typedef struct hasync_commit_t hasync_commit_t;

typedef struct
{
	uint64_t held;    /* packets that had to wait */
	uint64_t dropped; /* of these, not stable in time, or of no IKE_SA of ours any more */
	uint64_t early;   /* of these, let go though not stable */
} hasync_commit_counters_t;

/* From now on charon sends through this object. */
hasync_commit_t *hasync_commit_create();

/* Gives charon its sender back. Packets that wait are dropped. */
void hasync_commit_destroy(hasync_commit_t *this);

/* Packets wait for events of this client from now on, at most so long. What waits already waits for its
 * IKE_SA to be reported to this client. */
void hasync_commit_begin(hasync_commit_t *this, uint64_t client, uint32_t wait_ms, bool available);

/* This IKE_SA has changed. Whoever calls it or one of the next five has it checked out. */
void hasync_commit_changed(hasync_commit_t *this, ike_sa_id_t *id);

/* Event `number` of the client reports everything that has changed so far. 0: no event does, and packets wait
 * for another. */
void hasync_commit_reported(hasync_commit_t *this, ike_sa_id_t *id, uint64_t number);

/* Likewise, and it has ended. */
void hasync_commit_ended(hasync_commit_t *this, ike_sa_id_t *id, uint64_t number);

/* It cannot be reported, so nothing waits. */
void hasync_commit_exempt(hasync_commit_t *this, ike_sa_id_t *id);

/* This node does not answer for it any more: what waits is dropped. */
void hasync_commit_discard(hasync_commit_t *this, ike_sa_id_t *id);

/* The client says that its events up to this number are stable. */
void hasync_commit_stable(hasync_commit_t *this, uint64_t client, uint64_t number);

/* Those up to this number that are not stable never will be. */
void hasync_commit_void(hasync_commit_t *this, uint64_t client, uint64_t number);

/* charon ends. What it says from here on was agreed with nobody and stays here. */
void hasync_commit_close(hasync_commit_t *this);

hasync_commit_counters_t hasync_commit_counters(hasync_commit_t *this);

#endif
