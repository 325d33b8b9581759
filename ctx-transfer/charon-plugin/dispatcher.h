/*
 * Carries out requests and answers them. Requests that change IKE_SAs here are done one at a time, whoever
 * asks: each may need two IKE_SAs at once.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_DISPATCHER_H_
#define HASYNC_DISPATCHER_H_

#include "reporter.h"
#include "server.h"
#include "shared.h"

typedef struct hasync_dispatcher_t hasync_dispatcher_t;

hasync_dispatcher_t *hasync_dispatcher_create();
void hasync_dispatcher_destroy(hasync_dispatcher_t *this);

/* Where answers go and who reports changes: known only after the server that calls hasync_dispatch. */
void hasync_dispatcher_connect(hasync_dispatcher_t *this, hasync_server_t *server,
							   hasync_reporter_t *reporter, hasync_commit_t *commit, hasync_shared_t *shared);

/* One request as it came; a hasync_handler_t. */
void hasync_dispatch(void *dispatcher, uint64_t client, chunk_t content);

/* Commit and Discard: they never wait, and must not stand behind what does; a hasync_urgent_t. */
bool hasync_dispatch_urgent(void *dispatcher, uint64_t client, chunk_t content);

#endif
