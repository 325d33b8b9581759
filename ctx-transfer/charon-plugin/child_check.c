/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checks.h"

#include <stdio.h>
#include <string.h>

#define BAD HASYNC__PROTO__ERROR_CODE__BAD_REQUEST
#define UNSUPPORTED HASYNC__PROTO__ERROR_CODE__UNSUPPORTED

#define MAX_SELECTORS 255
#define MAX_WINDOW 4096 /* the kernel's limit */

static bool check_selector(const Hasync__Proto__TrafficSelector *ts, const char *field, hasync_error_t *error)
{
	if ((ts->from_address.len != 4 && ts->from_address.len != 16) ||
		ts->to_address.len != ts->from_address.len)
	{
		return hasync_fail(error, BAD, "%s: addresses of %zu and %zu bytes, expected both 4 or both 16",
						   field, ts->from_address.len, ts->to_address.len);
	}
	if (memcmp(ts->from_address.data, ts->to_address.data, ts->from_address.len) > 0)
	{
		return hasync_fail(error, BAD, "%s: range ends before it begins", field);
	}
	if (ts->protocol > 255 || ts->from_port > 65535 || ts->to_port > 65535)
	{
		return hasync_fail(error, BAD, "%s: protocol or port out of range", field);
	}
	return true;
}

static bool check_selectors(Hasync__Proto__TrafficSelector *const *list, size_t count, const char *field,
							hasync_error_t *error)
{
	if (!count)
	{
		return hasync_fail(error, BAD, "%s: none", field);
	}
	if (!hasync_check_count(count, MAX_SELECTORS, field, error))
	{
		return false;
	}
	for (size_t i = 0; i < count; i++)
	{
		if (!check_selector(list[i], field, error))
		{
			return false;
		}
	}
	return true;
}

static bool check_child_keys(const Hasync__Proto__ChildSa *child, const char *where, hasync_error_t *error)
{
	size_t encryption = 0, integrity = 0;

	if (child->protocol == 50)
	{
		if (!hasync_check_encryption(child->encryption, child->integrity, where, error))
		{
			return false;
		}
		encryption = (size_t)hasync_encryption_key_length(child->encryption->id, child->encryption->key_bits);
	}
	else if (child->encryption || !child->integrity || hasync_integrity_key_length(child->integrity->id) < 0)
	{
		return hasync_fail(error, BAD, "%s.integrity: AH takes a known integrity transform and nothing else",
						   where);
	}
	if (child->integrity)
	{
		integrity = (size_t)hasync_integrity_key_length(child->integrity->id);
	}
	return hasync_check_length(child->inbound_encryption_key.len, encryption, where, "inbound_encryption_key",
							   error) &&
		   hasync_check_length(child->outbound_encryption_key.len, encryption, where,
							   "outbound_encryption_key", error) &&
		   hasync_check_length(child->inbound_integrity_key.len, integrity, where, "inbound_integrity_key",
							   error) &&
		   hasync_check_length(child->outbound_integrity_key.len, integrity, where, "outbound_integrity_key",
							   error);
}

static bool check_child_numbers(const Hasync__Proto__ChildSa *child, const char *where, hasync_error_t *error)
{
	size_t words = (child->replay_window + 31) / 32;

	if (!child->esn && (child->outbound_number > UINT32_MAX || child->inbound_top > UINT32_MAX))
	{
		return hasync_fail(error, BAD, "%s.%s: above 2^32 - 1 without ESN", where,
						   child->outbound_number > UINT32_MAX ? "outbound_number" : "inbound_top");
	}
	if (child->replay_window > MAX_WINDOW)
	{
		return hasync_fail(error, BAD, "%s.replay_window: %u packets, at most %d", where,
						   child->replay_window, MAX_WINDOW);
	}
	return !child->replay_bitmap.len ||
		   hasync_check_length(child->replay_bitmap.len, words * 4, where, "replay_bitmap", error);
}

static bool check_child_form(const Hasync__Proto__ChildSa *child, const char *where, hasync_error_t *error)
{
	if (child->protocol != 50 && child->protocol != 51)
	{
		return hasync_fail(error, UNSUPPORTED, "%s.protocol: %u, expected 50 (ESP) or 51 (AH)", where,
						   child->protocol);
	}
	if (child->inbound_spi < 256 || child->outbound_spi < 256)
	{
		/* RFC 4303, section 2.1: 0 to 255 are reserved */
		return hasync_fail(error, BAD, "%s.%s_spi: below 256", where,
						   child->inbound_spi < 256 ? "inbound" : "outbound");
	}
	if (child->mode != 1 && child->mode != 2)
	{
		return hasync_fail(error, UNSUPPORTED, "%s.mode: %u, expected 1 (transport) or 2 (tunnel)", where,
						   child->mode);
	}
	if (child->vpe_port > UINT16_MAX || (child->vpe_port && (child->protocol != 50 || child->mode != 2)))
	{
		return hasync_fail(error, BAD, "%s.vpe_port: above 65535, or not of ESP in tunnel mode", where);
	}
	if (child->ipcomp > 255 || child->inbound_cpi > 65535 || child->outbound_cpi > 65535)
	{
		return hasync_fail(error, BAD, "%s.ipcomp: transform or CPI out of range", where);
	}
	return true;
}

bool hasync_check_child(const Hasync__Proto__ChildSa *child, size_t index, hasync_error_t *error)
{
	char where[48], name[64], local[64], remote[64], rekey[64], delete[64], ago[64];

	snprintf(where, sizeof(where), "context.children[%zu]", index);
	snprintf(name, sizeof(name), "%s.name", where);
	snprintf(local, sizeof(local), "%s.local_ts", where);
	snprintf(remote, sizeof(remote), "%s.remote_ts", where);
	snprintf(rekey, sizeof(rekey), "%s.rekey_in", where);
	snprintf(delete, sizeof(delete), "%s.delete_in", where);
	snprintf(ago, sizeof(ago), "%s.installed_ago", where);

	return hasync_check_name(child->name, name, error) && check_child_form(child, where, error) &&
		   check_child_keys(child, where, error) && check_child_numbers(child, where, error) &&
		   check_selectors(child->local_ts, child->n_local_ts, local, error) &&
		   check_selectors(child->remote_ts, child->n_remote_ts, remote, error) &&
		   hasync_check_remaining(child->rekey_in, rekey, error) &&
		   hasync_check_remaining(child->delete_in, delete, error) &&
		   hasync_check_ago(child->installed_ago, ago, error);
}
