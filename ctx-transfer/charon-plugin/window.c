/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "window.h"

#include <string.h>

/* FALSE if the offset lies outside */
static bool find(const hasync_window_t *window, uint32_t offset, size_t *word, uint32_t *bit)
{
	uint32_t place = offset;

	if (offset >= window->window || (!window->ring && offset >= 32))
	{
		return false;
	}
	if (window->ring)
	{
		place = ((uint32_t)window->top - 1) % window->window;
		place = (place + window->window - offset) % window->window;
	}
	*word = place / 32;
	*bit = 1U << (place % 32);
	return *word < window->count;
}

bool hasync_window_seen(const hasync_window_t *window, uint32_t offset)
{
	size_t word;
	uint32_t bit;

	return !find(window, offset, &word, &bit) || (window->words[word] & bit);
}

void hasync_window_convert(const hasync_window_t *from, hasync_window_t *to)
{
	size_t word;
	uint32_t bit;

	to->top = from->top;
	memset(to->words, 0, to->count * sizeof(*to->words));
	/* number 0 is never sent, so there is nothing to mark at or below it */
	for (uint32_t offset = 0; offset < to->window && offset < to->top; offset++)
	{
		if (find(to, offset, &word, &bit) && hasync_window_seen(from, offset))
		{
			to->words[word] |= bit;
		}
	}
}
