/*
 * What server.c (clients and their requests) and server_events.c (who is told what) have in common.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_SERVER_PRIVATE_H_
#define HASYNC_SERVER_PRIVATE_H_

#include "client.h"
#include "server.h"

#include <stdatomic.h>
#include <threading/mutex.h>
#include <threading/thread.h>

struct hasync_server_t
{
	int listener;
	int wake; /* eventfd: something changed that the thread has to look at */
	char *path;
	hasync_handler_t handler;
	hasync_urgent_t urgent;
	void *user;

	thread_t *thread;
	mutex_t *mutex;
	atomic_bool stopping;
	uint64_t last_id;
	uint64_t sessions;      /* drawn at random: where they begin */
	linked_list_t *clients; /* hasync_client_t* */
	u_int subscribers;
	hasync_server_counters_t counters;
};

/* NULL if it is gone. The lock is held. */
hasync_client_t *hasync_server_find(hasync_server_t *this, uint64_t id);

/* Packs the message behind a frame header. */
chunk_t hasync_server_frame(Hasync__Proto__FromPlugin *message);

/* Takes the frame over. The lock is held. */
void hasync_server_send(hasync_server_t *this, hasync_client_t *client, chunk_t frame);

#endif
