/*
 * Turns changes of IKE_SAs into events. A hook only says which IKE_SA has changed; a job then checks it out
 * and sends its whole context. What changes while such a job waits is reported by the same job.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_REPORTER_H_
#define HASYNC_REPORTER_H_

#include "commit.h"
#include "memory.h"
#include "server.h"

typedef struct hasync_reporter_t hasync_reporter_t;

hasync_reporter_t *hasync_reporter_create(hasync_server_t *server, hasync_commit_t *commit);
void hasync_reporter_destroy(hasync_reporter_t *this);

/* From a hook: this IKE_SA has changed. Ignored within hasync_quiet_begin/end of the calling thread. */
void hasync_reporter_changed(hasync_reporter_t *this, ike_sa_t *ike_sa);

/* From a hook: this IKE_SA is being destroyed. Subscribers are told at once. */
void hasync_reporter_gone(hasync_reporter_t *this, ike_sa_t *ike_sa);

/* This node answers for it again. What was not known to be stable when it ceased to is reported after all. */
void hasync_reporter_resumed(hasync_reporter_t *this, uint64_t initiator_spi, uint64_t responder_spi);

/* From a hook: this IKE_SA becomes a copy. */
void hasync_reporter_passive(hasync_reporter_t *this, ike_sa_t *ike_sa);

/* From a hook: charon ends and deletes its IKE_SAs. They live on elsewhere, so nothing of that is told. */
void hasync_reporter_close(hasync_reporter_t *this);

/* Makes the client a subscriber and sends it one event per IKE_SA, then Synced, as fast as it takes them. */
void hasync_reporter_subscribe(hasync_reporter_t *this, uint64_t client,
							   const Hasync__Proto__OutputCommit *commit);

/* What this thread does meanwhile was asked for by a client and needs no event. */
void hasync_quiet_begin();
void hasync_quiet_end();

uint64_t hasync_now_ns();

#endif
