/*
 * Output commit: an IKE message of ours leaves only when the change that it tells of is stable in the cluster
 * (design.md, section 7; docs/decisions/0005-output-commit.md). Takes the place of charon's sender. A change
 * of an IKE_SA marks it; until a client has said that the event which reports the change is stable, packets
 * of that IKE_SA wait. Nothing blocks: a packet whose wait is over is dropped (the peer asks again, RFC 7296,
 * section 2.1) or, if so configured, let go.
 *
 * Until a client has asked for it, and for IKE_SAs that nobody reports, charon's sender is all there is. From
 * then on it stays: while the client is away, what has changed is not told.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_COMMIT_H_
#define HASYNC_COMMIT_H_

#include "charon_types.h"
#include "server.h"
#include "shared.h"

typedef struct hasync_commit_t hasync_commit_t;

typedef struct
{
	uint64_t held;    /* packets that had to wait */
	uint64_t dropped; /* of these: not stable in time, or this node no longer answers for the IKE_SA */
	uint64_t early;   /* of these: let go though not stable */
} hasync_commit_counters_t;

/* From now on charon sends through this object. */
hasync_commit_t *hasync_commit_create(hasync_server_t *server, hasync_shared_t *shared);

/* Gives charon its sender back. Packets that wait are dropped. */
void hasync_commit_destroy(hasync_commit_t *this);

/* The client gets events from now on; if it has asked for it, packets wait for what it says of them. What
 * waits already waits for its IKE_SA to be reported to this client. */
void hasync_commit_subscribe(hasync_commit_t *this, uint64_t client,
							 const Hasync__Proto__OutputCommit *commit);

/* Those who call the following about an IKE_SA have it checked out. */

/* It has changed. */
void hasync_commit_changed(hasync_commit_t *this, ike_sa_id_t *id);

/* Sends an event that says everything that has changed so far, to one client or (0) to all subscribers. */
void hasync_commit_report(hasync_commit_t *this, ike_sa_id_t *id, uint64_t client,
						  Hasync__Proto__Event *event);

/* It cannot be reported and nobody knows of it, so nothing waits. */
void hasync_commit_exempt(hasync_commit_t *this, ike_sa_id_t *id);

/* This node does not answer for it any more: what waits is dropped. A change that is not stable is one still,
 * if this node answers again. */
void hasync_commit_passive(hasync_commit_t *this, ike_sa_id_t *id);

/* It is as the cluster has it, or gone without a word. */
void hasync_commit_forget(hasync_commit_t *this, ike_sa_id_t *id);

/* It has a change that is not known to be stable. */
bool hasync_commit_is_marked(hasync_commit_t *this, ike_sa_id_t *id);

/* The client says that its events up to this number are stable; that those of first to last never will be. */
void hasync_commit_stable(hasync_commit_t *this, uint64_t client, uint64_t number);
void hasync_commit_void(hasync_commit_t *this, uint64_t client, uint64_t first, uint64_t last);

/* charon ends. What it says from here on was agreed with nobody and stays here. */
void hasync_commit_close(hasync_commit_t *this);

hasync_commit_counters_t hasync_commit_counters(hasync_commit_t *this);

#endif
