/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE (16 * 1024)

struct hasync_arena_block_t
{
	hasync_arena_block_t *next;
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

static void *allocator_take(void *arena, size_t size)
{
	return hasync_arena_take(arena, size);
}

static void allocator_free(void *arena, void *pointer)
{
	/* everything goes at once */
	(void)arena;
	(void)pointer;
}

void hasync_arena_init(hasync_arena_t *arena)
{
	arena->allocator.alloc = allocator_take;
	arena->allocator.free = allocator_free;
	arena->allocator.allocator_data = arena;
	arena->blocks = NULL;
}

void *hasync_arena_take(hasync_arena_t *arena, size_t size)
{
	hasync_arena_block_t *block = arena->blocks;
	size_t room;
	void *taken;

	if (size > SIZE_MAX / 2)
	{
		return NULL;
	}
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!block || block->size - block->used < size)
	{
		room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
		block = calloc(1, sizeof(*block) + room);
		if (!block)
		{
			return NULL;
		}
		block->size = room;
		block->next = arena->blocks;
		arena->blocks = block;
	}
	taken = block->bytes + block->used;
	block->used += size;
	return taken;
}

void *hasync_arena_copy(hasync_arena_t *arena, const void *bytes, size_t size)
{
	void *copy;

	if (!size)
	{
		return NULL;
	}
	copy = hasync_arena_take(arena, size);
	if (copy)
	{
		memcpy(copy, bytes, size);
	}
	return copy;
}

void hasync_arena_clear(hasync_arena_t *arena)
{
	hasync_arena_block_t *block;

	while ((block = arena->blocks))
	{
		arena->blocks = block->next;
		explicit_bzero(block->bytes, block->used);
		free(block);
	}
}
