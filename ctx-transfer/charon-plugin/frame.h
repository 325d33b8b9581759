/*
 * Frames of proto/plugin.proto: a 32-bit big-endian length, then that many bytes.
 * A reader takes bytes as they come from the socket and gives back whole frames. It refuses to know what is
 * in them. Pure C: knows nothing of charon.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_FRAME_H_
#define HASYNC_FRAME_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HASYNC_FRAME_HEADER 4
#define HASYNC_FRAME_MAX (1024 * 1024)

typedef enum
{
	HASYNC_FRAME_COMPLETE,
	HASYNC_FRAME_MORE,      /* the rest has not arrived yet */
	HASYNC_FRAME_TOO_LARGE, /* the stream is lost: nothing after this can be understood */
} hasync_frame_result_t;

typedef struct
{
	uint8_t *bytes;
	size_t capacity;
	size_t begin; /* first byte that was not given out yet */
	size_t end;   /* first byte that is free */
} hasync_frame_reader_t;

void hasync_frame_reader_init(hasync_frame_reader_t *reader);

/* Wipes and frees. */
void hasync_frame_reader_clear(hasync_frame_reader_t *reader);

/* Room for at least 4096 more bytes; its size goes to *size. NULL without memory. Invalidates given
 * frames. */
uint8_t *hasync_frame_reader_room(hasync_frame_reader_t *reader, size_t *size);

/* Tells that the first count bytes of the room were filled. */
void hasync_frame_reader_filled(hasync_frame_reader_t *reader, size_t count);

/* The next frame's content, valid until room is asked for again. */
hasync_frame_result_t hasync_frame_reader_next(hasync_frame_reader_t *reader, const uint8_t **content,
											   size_t *size);

/* Bytes of a frame that has begun and not ended. */
size_t hasync_frame_reader_pending(const hasync_frame_reader_t *reader);

/* Writes the header of a frame with size bytes of content. */
void hasync_frame_header(uint8_t header[HASYNC_FRAME_HEADER], uint32_t size);

#ifdef __cplusplus
}
#endif

#endif
