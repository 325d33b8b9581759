/*
 * Decodes and checks one request of proto/plugin.proto. What comes out can be carried out without looking
 * again at lengths, counts or ranges. Pure C: knows nothing of charon.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_REQUEST_H_
#define HASYNC_REQUEST_H_

#include "arena.h"
#include "context_check.h"

/* docs/vpe.md, WindowID */
#define HASYNC_VPE_NODES 16
#define HASYNC_VPE_INCARNATIONS 32

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The request lives in the arena. On failure error is set and the result is NULL; *id then is the
 * request's id, or 0 if even that could not be read.
 */
Hasync__Proto__Request *hasync_request_decode(const uint8_t *content, size_t size, hasync_arena_t *arena,
											  uint64_t *id, hasync_error_t *error);

#ifdef __cplusplus
}
#endif

#endif
