/*
 * What the notify about fresh windows holds behind `VPE` and the version
 * (docs/decisions/0015-fresh-windows.md): eight octets that name what was asked, then entries of one size: an
 * SPI, and in an answer the incarnation from which on is sent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_FRESH_BODY_H_
#define HASYNC_FRESH_BODY_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HASYNC_FRESH_NAME 8
#define HASYNC_FRESH_ASKED 4 /* octets of an entry */
#define HASYNC_FRESH_MOVED 5

typedef struct
{
	uint64_t name;
	const uint8_t *entries; /* in the body */
	size_t count;
} hasync_fresh_t;

/* FALSE: the body is not a name and whole entries. */
bool hasync_fresh_read(hasync_fresh_t *fresh, const uint8_t *body, size_t size, size_t entry);

/* Network order. `i` is below the count. */
uint32_t hasync_fresh_asked(const hasync_fresh_t *fresh, size_t i);
uint32_t hasync_fresh_moved(const hasync_fresh_t *fresh, size_t i, uint8_t *incarnation);

#ifdef __cplusplus
}
#endif

#endif
