/*
 * Sending to the kernel and reading what it answers, for the other files here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_XFRM_SOCKET_H_
#define HASYNC_XFRM_SOCKET_H_

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Sequence numbers tell late answers to an earlier call (one that ran into its time limit) from those to this
 * one. Returns the first of so many. */
uint32_t hasync_xfrm_sequence(uint32_t count);

/* 0 or an error. */
int hasync_xfrm_send(int fd, const uint8_t *bytes, size_t size);

/* A length or an error. */
ssize_t hasync_xfrm_receive(int fd, uint8_t *bytes, size_t size);

/* What a NLMSG_ERROR says. */
int hasync_xfrm_error_of(const uint8_t *message, const struct nlmsghdr *header);

/* Sends the one message in the buffer's first bytes, and reads the answer to it into the buffer: its length,
 * or an error, which may be the kernel's. */
ssize_t hasync_xfrm_ask(int fd, uint8_t *buffer, size_t size, size_t used, uint32_t sequence);

#endif
