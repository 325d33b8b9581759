/*
 * What charon is configured with, for whoever compares the nodes of a cluster: its connections by name, and
 * the range that its SPIs come from.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_CONNECTIONS_H_
#define HASYNC_CONNECTIONS_H_

#include "arena.h"
#include "charon_types.h"
#include "plugin.pb-c.h"

/* Fills these fields of the reply, in the arena. */
void hasync_tell_connections(Hasync__Proto__HelloReply *hello, hasync_arena_t *arena);

#endif
