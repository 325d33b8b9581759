/*
 * Sequence numbers and replay windows of kernel SAs, read and set by NETLINK_XFRM (XFRM_MSG_GETAE,
 * XFRM_MSG_NEWAE). Shared by the charon plugin (C) and hasyncd (C++). Plain system calls; nothing here blocks
 * longer than the kernel takes to answer, and nothing remembers anything between calls.
 *
 * Rules of the kernel that callers must know:
 *  - NEWAE is absolute: it overwrites what the SA has counted in the meantime. Set an outbound number only
 * while nothing can be sent on that SA.
 *  - The format (legacy or ESN) and, with ESN, window and bitmap size must be those of the SA, else EINVAL.
 *    charon's SAs: legacy if without ESN and with a window of at most 32; outbound SAs with ESN have a window
 * of 1.
 *
 * All numbers in host byte order, addresses in network byte order. Errors are negative errno values.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_XFRM_AE_H_
#define HASYNC_XFRM_AE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HASYNC_XFRM_BITMAP_WORDS 128 /* 4096 packets, the kernel's limit */

/* What the kernel finds an SA by. */
typedef struct hasync_xfrm_sa
{
	uint8_t destination[16]; /* IPv4: the first four bytes */
	uint16_t family;         /* AF_INET or AF_INET6 */
	uint8_t protocol;        /* IPPROTO_ESP or IPPROTO_AH */
	uint32_t spi;
	uint32_t mark; /* mark and mask of the SA, both 0 without */
	uint32_t mask;
} hasync_xfrm_sa_t;

typedef struct hasync_xfrm_ae
{
	bool esn_format;   /* struct xfrm_replay_state_esn, which is also used for large windows without ESN */
	uint64_t outbound; /* last number used */
	uint64_t inbound;  /* highest number accepted */
	uint32_t window;   /* in packets; legacy SAs do not tell theirs here: 0 */
	/* Legacy: one word, bit 0 is the highest number, bit n is n below. ESN: a ring over (number - 1) %
	 * window. */
	uint32_t words;
	uint32_t bitmap[HASYNC_XFRM_BITMAP_WORDS];
	/* What the SA's lifetime counts from. Times are seconds since the epoch, 0: never used. */
	bool has_lifetime; /* when setting: whether the four below are set, too */
	uint64_t bytes;
	uint64_t packets;
	uint64_t add_time;
	uint64_t use_time;
} hasync_xfrm_ae_t;

/* An SA and the number that it shall count as used, or as accepted with all below. */
typedef struct hasync_xfrm_number
{
	hasync_xfrm_sa_t sa;
	uint64_t number;
	uint32_t esn_window; /* 0: legacy format; else the SA's window, which for charon's outbound SAs is 1 */
	bool inbound;
} hasync_xfrm_number_t;

/* A NETLINK_XFRM socket to be used by one thread at a time. To be closed by close(). */
int hasync_xfrm_open(void);

/* 0 or an error: -ESRCH if there is no such SA. */
int hasync_xfrm_get(int fd, const hasync_xfrm_sa_t *sa, hasync_xfrm_ae_t *ae);

/*
 * Reserves the SPI of an inbound SA that is to come, as charon does for what it offers: source is of the SA's
 * family, marks do not count. 0 or an error: -ENOENT if the SPI is taken.
 */
int hasync_xfrm_reserve(int fd, const hasync_xfrm_sa_t *sa, const uint8_t *source);

/* Sets everything in ae. 0 or an error. */
int hasync_xfrm_set(int fd, const hasync_xfrm_sa_t *sa, const hasync_xfrm_ae_t *ae);

/*
 * Sets the number of many SAs with few system calls; each is tried, whatever becomes of the others. The other
 * direction's number is cleared, which means nothing on such an SA; on an inbound one the bitmap is filled.
 * results[i] becomes 0 or the error of items[i]; returns how many failed.
 */
size_t hasync_xfrm_set_numbers(int fd, const hasync_xfrm_number_t *items, size_t count, int *results);

/*
 * All ESP SAs towards one address, some at a time: begin, then next until it returns 0 (or an error); it
 * returns 1 while there are more. One socket has one dump at a time, and nothing else meanwhile. The kernel
 * tells the SAs' keys with them: what was read is wiped.
 */
typedef void (*hasync_xfrm_seen_t)(void *context, const hasync_xfrm_sa_t *sa, const hasync_xfrm_ae_t *ae);
int hasync_xfrm_dump_begin(int fd, const uint8_t destination[16], uint16_t family, uint32_t *sequence);
int hasync_xfrm_dump_next(int fd, uint32_t sequence, hasync_xfrm_seen_t seen, void *context);

/* One SA of a dump. 0 or -EBADMSG. For tests. */
int hasync_xfrm_decode_sa(const uint8_t *message, size_t size, hasync_xfrm_sa_t *sa, hasync_xfrm_ae_t *ae);

/* One NEWAE message; returns its length or 0 if it does not fit. For tests. */
size_t hasync_xfrm_encode_set(uint8_t *buffer, size_t size, const hasync_xfrm_sa_t *sa,
							  const hasync_xfrm_ae_t *ae, uint32_t sequence, bool acknowledge);

/* One ALLOCSPI message; likewise. */
size_t hasync_xfrm_encode_reserve(uint8_t *buffer, size_t size, const hasync_xfrm_sa_t *sa,
								  const uint8_t *source, uint32_t sequence);

/* The answer to a GETAE. 0 or -EBADMSG. For tests. */
int hasync_xfrm_decode(const uint8_t *message, size_t size, hasync_xfrm_ae_t *ae);

#ifdef __cplusplus
}
#endif

#endif
