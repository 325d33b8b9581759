/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fresh_body.h"

#include <endian.h>
#include <string.h>

bool hasync_fresh_read(hasync_fresh_t *fresh, const uint8_t *body, size_t size, size_t entry)
{
	if (size < HASYNC_FRESH_NAME || (size - HASYNC_FRESH_NAME) % entry)
	{
		return false;
	}
	memcpy(&fresh->name, body, HASYNC_FRESH_NAME);
	fresh->name = be64toh(fresh->name);
	fresh->entries = body + HASYNC_FRESH_NAME;
	fresh->count = (size - HASYNC_FRESH_NAME) / entry;
	return true;
}

static uint32_t spi_at(const uint8_t *entry)
{
	uint32_t spi;

	memcpy(&spi, entry, sizeof(spi));
	return spi;
}

uint32_t hasync_fresh_asked(const hasync_fresh_t *fresh, size_t i)
{
	return spi_at(fresh->entries + i * HASYNC_FRESH_ASKED);
}

uint32_t hasync_fresh_moved(const hasync_fresh_t *fresh, size_t i, uint8_t *incarnation)
{
	const uint8_t *entry = fresh->entries + i * HASYNC_FRESH_MOVED;

	*incarnation = entry[HASYNC_FRESH_MOVED - 1];
	return spi_at(entry);
}
