/*
 * Replay windows in the two shapes that the kernel has: one word whose bit n stands for n below the top
 * (legacy), or a ring of `window` bits in which the top has the place (low 32 bits of top - 1) % window. Pure
 * C: knows nothing of charon or netlink.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_WINDOW_H_
#define HASYNC_WINDOW_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct
{
	bool ring;
	uint64_t top;    /* highest number accepted, 0: none yet */
	uint32_t window; /* in packets */
	uint32_t *words;
	size_t count; /* of words */
} hasync_window_t;

/* Whether the number offset below the top was accepted. What the window does not show counts as accepted.
 */
bool hasync_window_seen(const hasync_window_t *window, uint32_t offset);

/* Makes `to` (whose words are cleared) show what `from` shows; sets its top. */
void hasync_window_convert(const hasync_window_t *from, hasync_window_t *to);

#ifdef __cplusplus
}
#endif

#endif
