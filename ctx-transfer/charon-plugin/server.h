/*
 * The unix socket: takes clients, cuts their bytes into frames, has each frame handled by a charon job (one
 * client's frames one after the other) and sends what others hand it. One thread of its own does the waiting;
 * whoever sends never blocks: what the socket does not take at once is queued, up to a limit. A client beyond
 * it is closed: it would miss something.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_SERVER_H_
#define HASYNC_SERVER_H_

#include "arena.h"
#include "charon_types.h"
#include "plugin.pb-c.h"

typedef struct hasync_server_t hasync_server_t;

/* Called by a charon worker. The content is wiped after the call. */
typedef void (*hasync_handler_t)(void *user, uint64_t client, chunk_t content);

/* Called by the server's thread for each request as it comes, so it must not wait. TRUE if that was all. */
typedef bool (*hasync_urgent_t)(void *user, uint64_t client, chunk_t content);

typedef struct
{
	uint64_t requests;
	uint64_t refused;    /* of these */
	uint64_t bad_frames; /* too large or cut off: the client was closed */
} hasync_server_counters_t;

/* uri is unix://PATH; the socket is readable and writable by its owner only. NULL if it cannot be made. */
hasync_server_t *hasync_server_create(const char *uri, hasync_handler_t handler, hasync_urgent_t urgent,
									  void *user);

/* Takes clients from now on. FALSE if there can be no thread. */
bool hasync_server_start(hasync_server_t *this);

/* Stops taking frames and waits for the thread; the handler is not called afterwards. */
void hasync_server_stop(hasync_server_t *this);

void hasync_server_destroy(hasync_server_t *this);

/* A reply to one client. Nothing happens if it is gone. */
void hasync_server_reply(hasync_server_t *this, uint64_t client, Hasync__Proto__Reply *reply);

/* This client gets events from now on; `commits`: it is the one whose events packets wait for. FALSE if it is
 * gone. */
bool hasync_server_subscribe(hasync_server_t *this, uint64_t client, bool commits);

bool hasync_server_has_subscribers(hasync_server_t *this);

/* An event to one subscriber, or to all for client 0. It gets its number here. Returns the one that it has
 * for the subscriber that commits, 0 if that one does not get it. */
uint64_t hasync_server_event(hasync_server_t *this, uint64_t client, Hasync__Proto__Event *event);

/* This client receives VPE there, and gets what hasync_server_vpe_event sends. FALSE if it is gone, or
 * another one does so already. */
bool hasync_server_offer_vpe(hasync_server_t *this, uint64_t client, host_t *host, bool renews);

/* Whether it moves on when it is told a higher incarnation. */
bool hasync_server_vpe_renews(hasync_server_t *this, uint64_t client);

/* The client that receives VPE, and where (may be NULL; owned by the caller). 0: there is none. */
uint64_t hasync_server_vpe_client(hasync_server_t *this, host_t **host);

/* Names this client to others, as no other client of any charon is named. */
uint64_t hasync_server_session(hasync_server_t *this, uint64_t client);

/* Somebody lets events count: incarnations are a cluster's. */
bool hasync_server_has_cluster(hasync_server_t *this);

/* Tells one subscriber, or all for client 0, who receives VPE now. */
void hasync_server_tell_session(hasync_server_t *this, uint64_t client);

/* An event to this client, if it still is the one. */
void hasync_server_vpe_event(hasync_server_t *this, uint64_t client, Hasync__Proto__Event *event);

/* Bytes that wait to be sent to this client; -1 if it is gone. */
ssize_t hasync_server_backlog(hasync_server_t *this, uint64_t client);

hasync_server_counters_t hasync_server_counters(hasync_server_t *this);

#endif
