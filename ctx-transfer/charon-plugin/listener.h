/*
 * What charon's bus tells: keys as they are derived, messages as they come and go, and changes of SAs. Hooks
 * copy and queue; they never wait and never check out an IKE_SA.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_LISTENER_H_
#define HASYNC_LISTENER_H_

#include "reporter.h"
#include "server.h"
#include "shared.h"

typedef struct hasync_listener_t hasync_listener_t;

struct hasync_listener_t
{
	listener_t listener;
};

hasync_listener_t *hasync_listener_create(hasync_reporter_t *reporter, hasync_server_t *server,
										  hasync_shared_t *shared);
void hasync_listener_destroy(hasync_listener_t *this);

#endif
