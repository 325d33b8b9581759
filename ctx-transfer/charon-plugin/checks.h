/*
 * The rules that parts of a context share. Each says what is wrong and names the field.
 * Pure C: knows nothing of charon.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_CHECKS_H_
#define HASYNC_CHECKS_H_

#include "context_check.h"

bool hasync_check_length(size_t length, size_t wanted, const char *where, const char *field,
						 hasync_error_t *error);
bool hasync_check_count(size_t count, size_t limit, const char *field, hasync_error_t *error);
bool hasync_check_remaining(const Hasync__Proto__Remaining *remaining, const char *field,
							hasync_error_t *error);
bool hasync_check_ago(int64_t seconds, const char *field, hasync_error_t *error);
bool hasync_check_name(const char *name, const char *field, hasync_error_t *error);

/* Known transforms, with integrity unless the encryption has its own. */
bool hasync_check_encryption(const Hasync__Proto__Algorithm *encryption,
							 const Hasync__Proto__Algorithm *integrity, const char *where,
							 hasync_error_t *error);

/* The index is that in context.children. */
bool hasync_check_child(const Hasync__Proto__ChildSa *child, size_t index, hasync_error_t *error);

#endif
