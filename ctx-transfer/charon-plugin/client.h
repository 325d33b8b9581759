/*
 * One client of the server: its reader, what waits to be sent to it and what it asked for. Guarded by the
 * server's lock, but for the reader, which belongs to the server's thread.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_CLIENT_H_
#define HASYNC_CLIENT_H_

#include "charon_types.h"
#include "frame.h"

#define HASYNC_REQUESTS_MAX 64                /* frames read ahead of one client */
#define HASYNC_BACKLOG_MAX (16 * 1024 * 1024) /* bytes not taken by one client */

typedef struct
{
	uint64_t id;
	int fd;
	hasync_frame_reader_t reader;

	linked_list_t *requests; /* chunk_t*, not handled yet */
	bool handling;           /* a job is at work on them */

	linked_list_t *queue; /* chunk_t*, not sent yet */
	size_t sent;          /* bytes of the first of them that are */
	size_t backlog;       /* bytes in the queue that are not */

	bool subscribed;
	bool commits; /* packets wait for what it says */
	host_t *vpe;  /* where it receives VPE; NULL: it does not */
	bool vpe_renews;
	uint64_t event_number;
	bool doomed; /* to be closed by the server's thread */
} hasync_client_t;

hasync_client_t *hasync_client_create(uint64_t id, int fd);
void hasync_client_destroy(hasync_client_t *this);

/* Takes the frame over. If the backlog is too long the client is doomed: it would miss something. */
void hasync_client_push(hasync_client_t *this, chunk_t frame);

/* Sends as much as the socket takes. Dooms the client if it is broken. */
void hasync_client_flush(hasync_client_t *this);

/* Moves whole frames from the reader to the list (of chunk_t*). FALSE if the stream cannot be understood any
 * more. */
bool hasync_client_cut(hasync_client_t *this, linked_list_t *requests);

/* Wipes and frees a chunk on the heap. */
void hasync_chunk_destroy(chunk_t *chunk);

#endif
