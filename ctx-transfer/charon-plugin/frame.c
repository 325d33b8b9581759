/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "frame.h"

#include <stdlib.h>
#include <string.h>

#define READ_SIZE 4096
#define KEEP_SIZE (64 * 1024)

void hasync_frame_reader_init(hasync_frame_reader_t *reader)
{
	memset(reader, 0, sizeof(*reader));
}

void hasync_frame_reader_clear(hasync_frame_reader_t *reader)
{
	if (reader->bytes)
	{
		explicit_bzero(reader->bytes, reader->capacity);
		free(reader->bytes);
	}
	memset(reader, 0, sizeof(*reader));
}

/* Changes the buffer's size. realloc would leave keys behind. */
static int resize(hasync_frame_reader_t *reader, size_t capacity)
{
	size_t used = reader->end - reader->begin;
	uint8_t *bytes = malloc(capacity);

	if (!bytes)
	{
		return 0;
	}
	if (used)
	{
		memcpy(bytes, reader->bytes + reader->begin, used);
	}
	hasync_frame_reader_clear(reader);
	reader->bytes = bytes;
	reader->capacity = capacity;
	reader->end = used;
	return 1;
}

uint8_t *hasync_frame_reader_room(hasync_frame_reader_t *reader, size_t *size)
{
	size_t used = reader->end - reader->begin;
	size_t wanted = reader->capacity ? reader->capacity : READ_SIZE;

	if (reader->begin && reader->capacity - reader->end < READ_SIZE)
	{
		memmove(reader->bytes, reader->bytes + reader->begin, used);
		explicit_bzero(reader->bytes + used, reader->end - used);
		reader->begin = 0;
		reader->end = used;
	}
	if (!used && reader->capacity > KEEP_SIZE)
	{
		wanted = READ_SIZE;
	}
	while (wanted - used < READ_SIZE)
	{
		wanted *= 2;
	}
	if (wanted != reader->capacity && !resize(reader, wanted))
	{
		return NULL;
	}
	*size = reader->capacity - reader->end;
	return reader->bytes + reader->end;
}

void hasync_frame_reader_filled(hasync_frame_reader_t *reader, size_t count)
{
	reader->end += count;
}

size_t hasync_frame_reader_pending(const hasync_frame_reader_t *reader)
{
	return reader->end - reader->begin;
}

hasync_frame_result_t hasync_frame_reader_next(hasync_frame_reader_t *reader, const uint8_t **content,
											   size_t *size)
{
	const uint8_t *head = reader->bytes + reader->begin;
	size_t used = reader->end - reader->begin;
	uint32_t length;

	if (used < HASYNC_FRAME_HEADER)
	{
		return HASYNC_FRAME_MORE;
	}
	length = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
	if (length > HASYNC_FRAME_MAX)
	{
		return HASYNC_FRAME_TOO_LARGE;
	}
	if (used - HASYNC_FRAME_HEADER < length)
	{
		return HASYNC_FRAME_MORE;
	}
	*content = head + HASYNC_FRAME_HEADER;
	*size = length;
	reader->begin += HASYNC_FRAME_HEADER + length;
	return HASYNC_FRAME_COMPLETE;
}

void hasync_frame_header(uint8_t header[HASYNC_FRAME_HEADER], uint32_t size)
{
	header[0] = (uint8_t)(size >> 24);
	header[1] = (uint8_t)(size >> 16);
	header[2] = (uint8_t)(size >> 8);
	header[3] = (uint8_t)size;
}
