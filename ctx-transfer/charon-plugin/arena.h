/*
 * Memory that holds keys for the time of one request: taken piece by piece, wiped and given back at once.
 * Pure C: knows nothing of charon.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_ARENA_H_
#define HASYNC_ARENA_H_

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hasync_arena_t hasync_arena_t;
typedef struct hasync_arena_block_t hasync_arena_block_t;

struct hasync_arena_t
{
	ProtobufCAllocator allocator; /* hands out memory of this arena to protobuf-c */
	hasync_arena_block_t *blocks;
};

void hasync_arena_init(hasync_arena_t *arena);

/* Zeroed and aligned for any type. NULL if the system has no memory left. */
void *hasync_arena_take(hasync_arena_t *arena, size_t size);

/* A copy of the bytes; NULL for none. */
void *hasync_arena_copy(hasync_arena_t *arena, const void *bytes, size_t size);

/* Wipes and frees everything that was taken. The arena can be used again. */
void hasync_arena_clear(hasync_arena_t *arena);

#ifdef __cplusplus
}
#endif

#endif
