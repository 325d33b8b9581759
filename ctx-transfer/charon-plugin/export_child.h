/*
 * The CHILD_SA's part of GET.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_EXPORT_CHILD_H_
#define HASYNC_EXPORT_CHILD_H_

#include "convert.h"
#include "memory.h"

/* In use, or replaced but not deleted yet. */
bool hasync_child_is_exported(child_sa_t *child_sa);

/* NULL and the error if it cannot be carried on elsewhere. */
Hasync__Proto__ChildSa *hasync_export_child(ike_sa_t *ike_sa, child_sa_t *child_sa, hasync_memory_t *memory,
											hasync_arena_t *arena, hasync_error_t *error);

#endif
