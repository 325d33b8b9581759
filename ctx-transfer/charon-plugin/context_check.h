/*
 * Says whether a decoded context can be put into an IKE daemon: nothing missing, every number in its range,
 * every key as long as its algorithm wants it. What passes here can still be refused by charon (no such
 * configuration, no such algorithm loaded) or by the kernel. Pure C: knows nothing of charon.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_CONTEXT_CHECK_H_
#define HASYNC_CONTEXT_CHECK_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.pb-c.h"
#include "plugin.pb-c.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HASYNC_CONTEXT_MAJOR 1
#define HASYNC_CONTEXT_MINOR 2

/* Of one IKE_SA. What is more is not carried on: its peer would make frames that nobody takes. */
#define HASYNC_MAX_CHILDREN 256
#define HASYNC_MAX_CONTEXT (255 * 1024) /* bytes, encoded; a seal comes to it */

#define HASYNC_IKE_HEADER 28 /* bytes; RFC 7296, section 3.1 */

/* Why something was refused. The text names the field and holds no key. */
typedef struct
{
	Hasync__Proto__ErrorCode code;
	char text[192];
} hasync_error_t;

/* Sets the error and returns false. */
bool hasync_fail(hasync_error_t *error, Hasync__Proto__ErrorCode code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

bool hasync_context_check(const Hasync__Proto__Context *context, hasync_error_t *error);

/* Bytes of key material, salt included, that an encryption transform (IANA number) takes; -1 if it is not
 * known. */
int hasync_encryption_key_length(uint32_t id, uint32_t key_bits);
bool hasync_encryption_is_aead(uint32_t id);

/* Likewise for integrity and pseudo-random function transforms. */
int hasync_integrity_key_length(uint32_t id);
int hasync_prf_key_length(uint32_t id);

#ifdef __cplusplus
}
#endif

#endif
