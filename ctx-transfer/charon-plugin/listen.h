/*
 * A unix stream socket to listen on, readable and writable by its owner only. What an earlier process has
 * left at the path is removed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_LISTEN_H_
#define HASYNC_LISTEN_H_

/* A descriptor that does not block, or -1 with errno. */
int hasync_listen(const char *path, int backlog);

#endif
