/*
 * The attributes that tell of an SA, for the other files here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_XFRM_WIRE_H_
#define HASYNC_XFRM_WIRE_H_

#include "xfrm_ae.h"

/* Reads replay state and lifetime into ae; the mark into sa unless that is NULL. 0 or -EBADMSG. */
int hasync_xfrm_attributes(const uint8_t *message, size_t at, size_t end, hasync_xfrm_sa_t *sa,
						   hasync_xfrm_ae_t *ae);

#endif
