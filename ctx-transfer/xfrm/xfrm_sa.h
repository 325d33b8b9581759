/*
 * What is special about a kernel SA (XFRM_MSG_GETSA). Conventions as in xfrm_ae.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_XFRM_SA_H_
#define HASYNC_XFRM_SA_H_

#include "xfrm_ae.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hasync_xfrm_traits
{
	bool may_wrap;       /* XFRM_SA_XFLAG_OSEQ_MAY_WRAP: without ESN, 1 follows 2^32 - 1 */
	bool packet_offload; /* a device makes the ESP packets */
	bool per_cpu;        /* one of several SAs, each for one processor */
} hasync_xfrm_traits_t;

/* 0 or an error: -ESRCH if there is no such SA. The kernel tells the SA's keys, too: they are wiped. */
int hasync_xfrm_get_traits(int fd, const hasync_xfrm_sa_t *sa, hasync_xfrm_traits_t *traits);

/* The answer to a GETSA. 0 or -EBADMSG. For tests. */
int hasync_xfrm_decode_traits(const uint8_t *message, size_t size, hasync_xfrm_traits_t *traits);

#ifdef __cplusplus
}
#endif

#endif
