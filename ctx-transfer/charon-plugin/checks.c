/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BAD HASYNC__PROTO__ERROR_CODE__BAD_REQUEST
#define UNSUPPORTED HASYNC__PROTO__ERROR_CODE__UNSUPPORTED

#define MAX_NAME 255
#define MAX_SECONDS (10LL * 365 * 24 * 3600) /* of a timer */

bool hasync_fail(hasync_error_t *error, Hasync__Proto__ErrorCode code, const char *format, ...)
{
	va_list args;

	error->code = code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

bool hasync_check_length(size_t length, size_t wanted, const char *where, const char *field,
						 hasync_error_t *error)
{
	return length == wanted ||
		   hasync_fail(error, BAD, "%s.%s: %zu bytes, expected %zu", where, field, length, wanted);
}

bool hasync_check_count(size_t count, size_t limit, const char *field, hasync_error_t *error)
{
	return count <= limit || hasync_fail(error, BAD, "%s: %zu entries, at most %zu", field, count, limit);
}

bool hasync_check_remaining(const Hasync__Proto__Remaining *remaining, const char *field,
							hasync_error_t *error)
{
	if (remaining && (remaining->seconds > MAX_SECONDS || remaining->seconds < -MAX_SECONDS))
	{
		return hasync_fail(error, BAD, "%s: %lld s is out of range", field, (long long)remaining->seconds);
	}
	return true;
}

bool hasync_check_ago(int64_t seconds, const char *field, hasync_error_t *error)
{
	return (seconds >= 0 && seconds <= MAX_SECONDS) ||
		   hasync_fail(error, BAD, "%s: %lld s is out of range", field, (long long)seconds);
}

bool hasync_check_name(const char *name, const char *field, hasync_error_t *error)
{
	size_t length = name ? strlen(name) : 0;

	return (length && length <= MAX_NAME) ||
		   hasync_fail(error, BAD, "%s: %zu characters, expected 1 to %d", field, length, MAX_NAME);
}

bool hasync_check_encryption(const Hasync__Proto__Algorithm *encryption,
							 const Hasync__Proto__Algorithm *integrity, const char *where,
							 hasync_error_t *error)
{
	if (!encryption)
	{
		return hasync_fail(error, BAD, "%s.encryption: missing", where);
	}
	if (hasync_encryption_key_length(encryption->id, encryption->key_bits) < 0)
	{
		return hasync_fail(error, UNSUPPORTED, "%s.encryption: transform %u with %u key bits is not known",
						   where, encryption->id, encryption->key_bits);
	}
	if (hasync_encryption_is_aead(encryption->id))
	{
		return !integrity || hasync_fail(error, BAD, "%s.integrity: present beside an AEAD", where);
	}
	if (!integrity)
	{
		return hasync_fail(error, BAD, "%s.integrity: missing", where);
	}
	return hasync_integrity_key_length(integrity->id) >= 0 ||
		   hasync_fail(error, UNSUPPORTED, "%s.integrity: transform %u is not known", where, integrity->id);
}
