/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "context_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BAD HASYNC__PROTO__ERROR_CODE__BAD_REQUEST
#define UNSUPPORTED HASYNC__PROTO__ERROR_CODE__UNSUPPORTED

#define MAX_CHILDREN 256
#define MAX_PACKETS 64
#define MAX_OUTSTANDING 8
#define MAX_ADDRESSES 64
#define MAX_SELECTORS 255
#define MAX_FLAGS 64
#define MAX_NAME 255
#define MAX_IDENTITY 4096
#define MAX_WINDOW 4096                      /* the kernel's limit */
#define MAX_SECONDS (10LL * 365 * 24 * 3600) /* of a timer */
#define IKE_HEADER 28                        /* RFC 7296, section 3.1 */

bool hasync_fail(hasync_error_t *error, Hasync__Proto__ErrorCode code, const char *format, ...)
{
	va_list args;

	error->code = code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

static bool check_length(size_t length, size_t wanted, const char *where, const char *field,
						 hasync_error_t *error)
{
	return length == wanted ||
		   hasync_fail(error, BAD, "%s.%s: %zu bytes, expected %zu", where, field, length, wanted);
}

static bool check_count(size_t count, size_t limit, const char *field, hasync_error_t *error)
{
	return count <= limit || hasync_fail(error, BAD, "%s: %zu entries, at most %zu", field, count, limit);
}

static bool check_host(const Hasync__Proto__Host *host, const char *field, hasync_error_t *error)
{
	if (!host)
	{
		return hasync_fail(error, BAD, "%s: missing", field);
	}
	if (host->address.len != 4 && host->address.len != 16)
	{
		return hasync_fail(error, BAD, "%s.address: %zu bytes, expected 4 or 16", field, host->address.len);
	}
	return host->port <= 65535 || hasync_fail(error, BAD, "%s.port: %u is above 65535", field, host->port);
}

static bool check_hosts(Hasync__Proto__Host *const *hosts, size_t count, const char *field,
						hasync_error_t *error)
{
	if (!check_count(count, MAX_ADDRESSES, field, error))
	{
		return false;
	}
	for (size_t i = 0; i < count; i++)
	{
		if (!check_host(hosts[i], field, error))
		{
			return false;
		}
	}
	return true;
}

static bool check_identity(const Hasync__Proto__Identity *id, const char *field, hasync_error_t *error)
{
	if (!id)
	{
		return hasync_fail(error, BAD, "%s: missing", field);
	}
	if (id->type > 255)
	{
		return hasync_fail(error, BAD, "%s.type: %u is above 255", field, id->type);
	}
	return check_count(id->data.len, MAX_IDENTITY, field, error);
}

static bool check_remaining(const Hasync__Proto__Remaining *remaining, const char *field,
							hasync_error_t *error)
{
	if (remaining && (remaining->seconds > MAX_SECONDS || remaining->seconds < -MAX_SECONDS))
	{
		return hasync_fail(error, BAD, "%s: %lld s is out of range", field, (long long)remaining->seconds);
	}
	return true;
}

static bool check_ago(int64_t seconds, const char *field, hasync_error_t *error)
{
	return (seconds >= 0 && seconds <= MAX_SECONDS) ||
		   hasync_fail(error, BAD, "%s: %lld s is out of range", field, (long long)seconds);
}

static bool check_name(const char *name, const char *field, hasync_error_t *error)
{
	size_t length = name ? strlen(name) : 0;

	return (length && length <= MAX_NAME) ||
		   hasync_fail(error, BAD, "%s: %zu characters, expected 1 to %d", field, length, MAX_NAME);
}

static bool check_message(const Hasync__Proto__SentMessage *message, const char *field, hasync_error_t *error)
{
	if (!message->n_packets)
	{
		return hasync_fail(error, BAD, "%s.packets: none", field);
	}
	if (!check_count(message->n_packets, MAX_PACKETS, field, error))
	{
		return false;
	}
	for (size_t i = 0; i < message->n_packets; i++)
	{
		if (message->packets[i].len < IKE_HEADER || message->packets[i].len > 65535)
		{
			return hasync_fail(error, BAD, "%s.packets: %zu bytes, expected %d to 65535", field,
							   message->packets[i].len, IKE_HEADER);
		}
	}
	return true;
}

static bool check_encryption(const Hasync__Proto__Algorithm *encryption,
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

static bool check_ike_keys(const Hasync__Proto__IkeSa *ike, hasync_error_t *error)
{
	const char *where = "context.ike";
	size_t encryption, integrity = 0;

	if (!check_encryption(ike->encryption, ike->integrity, where, error))
	{
		return false;
	}
	if (ike->encryption->id == 11 || ike->encryption->id == 21)
	{
		/* RFC 7296, section 5 and RFC 4543, section 8: never for IKE */
		return hasync_fail(error, BAD, "context.ike.encryption: transform %u does not encrypt",
						   ike->encryption->id);
	}
	if (!ike->prf)
	{
		return hasync_fail(error, BAD, "context.ike.prf: missing");
	}
	if (hasync_prf_key_length(ike->prf->id) < 0)
	{
		return hasync_fail(error, UNSUPPORTED, "context.ike.prf: transform %u is not known", ike->prf->id);
	}
	encryption = (size_t)hasync_encryption_key_length(ike->encryption->id, ike->encryption->key_bits);
	if (ike->integrity)
	{
		integrity = (size_t)hasync_integrity_key_length(ike->integrity->id);
	}
	return check_length(ike->sk_d.len, (size_t)hasync_prf_key_length(ike->prf->id), where, "sk_d", error) &&
		   check_length(ike->sk_ei.len, encryption, where, "sk_ei", error) &&
		   check_length(ike->sk_er.len, encryption, where, "sk_er", error) &&
		   check_length(ike->sk_ai.len, integrity, where, "sk_ai", error) &&
		   check_length(ike->sk_ar.len, integrity, where, "sk_ar", error);
}

static bool check_ike_messages(const Hasync__Proto__IkeSa *ike, hasync_error_t *error)
{
	if (ike->last_response)
	{
		if (!check_message(ike->last_response, "context.ike.last_response", error))
		{
			return false;
		}
		if (ike->last_response->message_id != ike->expected_request_id - 1)
		{
			return hasync_fail(error, BAD,
							   "context.ike.last_response.message_id: %u, but request %u is expected next",
							   ike->last_response->message_id, ike->expected_request_id);
		}
	}
	if (ike->last_request_hash.len &&
		!check_length(ike->last_request_hash.len, 32, "context.ike", "last_request_hash", error))
	{
		return false;
	}
	if (!check_count(ike->n_outstanding_requests, MAX_OUTSTANDING, "context.ike.outstanding_requests", error))
	{
		return false;
	}
	for (size_t i = 0; i < ike->n_outstanding_requests; i++)
	{
		if (!check_message(ike->outstanding_requests[i], "context.ike.outstanding_requests", error))
		{
			return false;
		}
		if (ike->next_request_id - ike->outstanding_requests[i]->message_id - 1 >= MAX_OUTSTANDING)
		{
			return hasync_fail(error, BAD,
							   "context.ike.outstanding_requests.message_id: %u, but request %u is sent next",
							   ike->outstanding_requests[i]->message_id, ike->next_request_id);
		}
	}
	return true;
}

static bool check_ike_peers(const Hasync__Proto__IkeSa *ike, hasync_error_t *error)
{
	if (!check_identity(ike->local_id, "context.ike.local_id", error) ||
		!check_identity(ike->remote_id, "context.ike.remote_id", error) ||
		(ike->remote_eap_id && !check_identity(ike->remote_eap_id, "context.ike.remote_eap_id", error)) ||
		!check_host(ike->local, "context.ike.local", error) ||
		!check_host(ike->remote, "context.ike.remote", error))
	{
		return false;
	}
	if (ike->local->address.len != ike->remote->address.len)
	{
		return hasync_fail(error, BAD, "context.ike.remote.address: not of the family of context.ike.local");
	}
	if (!ike->local->port || !ike->remote->port)
	{
		return hasync_fail(error, BAD, "context.ike.%s.port: 0", ike->local->port ? "remote" : "local");
	}
	return check_count(ike->n_conditions, MAX_FLAGS, "context.ike.conditions", error) &&
		   check_count(ike->n_extensions, MAX_FLAGS, "context.ike.extensions", error) &&
		   check_hosts(ike->peer_addresses, ike->n_peer_addresses, "context.ike.peer_addresses", error) &&
		   check_hosts(ike->local_virtual_ips, ike->n_local_virtual_ips, "context.ike.local_virtual_ips",
					   error) &&
		   check_hosts(ike->remote_virtual_ips, ike->n_remote_virtual_ips, "context.ike.remote_virtual_ips",
					   error) &&
		   check_name(ike->connection, "context.ike.connection", error);
}

static bool check_ike(const Hasync__Proto__IkeSa *ike, hasync_error_t *error)
{
	if (!ike)
	{
		return hasync_fail(error, BAD, "context.ike: missing");
	}
	if (!ike->initiator_spi || !ike->responder_spi)
	{
		return hasync_fail(error, BAD, "context.ike.%s_spi: 0",
						   ike->initiator_spi ? "responder" : "initiator");
	}
	return check_ike_keys(ike, error) && check_ike_messages(ike, error) && check_ike_peers(ike, error) &&
		   check_remaining(ike->rekey_in, "context.ike.rekey_in", error) &&
		   check_remaining(ike->reauth_in, "context.ike.reauth_in", error) &&
		   check_remaining(ike->delete_in, "context.ike.delete_in", error) &&
		   check_ago(ike->established_ago, "context.ike.established_ago", error) &&
		   check_ago(ike->last_inbound_ago, "context.ike.last_inbound_ago", error);
}

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
	if (!check_count(count, MAX_SELECTORS, field, error))
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
		if (!check_encryption(child->encryption, child->integrity, where, error))
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
	return check_length(child->inbound_encryption_key.len, encryption, where, "inbound_encryption_key",
						error) &&
		   check_length(child->outbound_encryption_key.len, encryption, where, "outbound_encryption_key",
						error) &&
		   check_length(child->inbound_integrity_key.len, integrity, where, "inbound_integrity_key", error) &&
		   check_length(child->outbound_integrity_key.len, integrity, where, "outbound_integrity_key", error);
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
		   check_length(child->replay_bitmap.len, words * 4, where, "replay_bitmap", error);
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
	if (child->ipcomp > 255 || child->inbound_cpi > 65535 || child->outbound_cpi > 65535)
	{
		return hasync_fail(error, BAD, "%s.ipcomp: transform or CPI out of range", where);
	}
	return true;
}

static bool check_child(const Hasync__Proto__ChildSa *child, size_t index, hasync_error_t *error)
{
	char where[48], name[64], local[64], remote[64], rekey[64], delete[64], ago[64];

	snprintf(where, sizeof(where), "context.children[%zu]", index);
	snprintf(name, sizeof(name), "%s.name", where);
	snprintf(local, sizeof(local), "%s.local_ts", where);
	snprintf(remote, sizeof(remote), "%s.remote_ts", where);
	snprintf(rekey, sizeof(rekey), "%s.rekey_in", where);
	snprintf(delete, sizeof(delete), "%s.delete_in", where);
	snprintf(ago, sizeof(ago), "%s.installed_ago", where);

	return check_name(child->name, name, error) && check_child_form(child, where, error) &&
		   check_child_keys(child, where, error) && check_child_numbers(child, where, error) &&
		   check_selectors(child->local_ts, child->n_local_ts, local, error) &&
		   check_selectors(child->remote_ts, child->n_remote_ts, remote, error) &&
		   check_remaining(child->rekey_in, rekey, error) &&
		   check_remaining(child->delete_in, delete, error) && check_ago(child->installed_ago, ago, error);
}

static bool check_children(const Hasync__Proto__Context *context, hasync_error_t *error)
{
	if (!check_count(context->n_children, MAX_CHILDREN, "context.children", error))
	{
		return false;
	}
	for (size_t i = 0; i < context->n_children; i++)
	{
		if (!check_child(context->children[i], i, error))
		{
			return false;
		}
		for (size_t j = 0; j < i; j++)
		{
			if (context->children[j]->inbound_spi == context->children[i]->inbound_spi)
			{
				return hasync_fail(
					error, BAD, "context.children[%zu].inbound_spi: the same as that of children[%zu]", i, j);
			}
		}
	}
	return true;
}

bool hasync_context_check(const Hasync__Proto__Context *context, hasync_error_t *error)
{
	if (!context)
	{
		return hasync_fail(error, BAD, "context: missing");
	}
	if (!context->major)
	{
		return hasync_fail(error, BAD, "context.major: 0");
	}
	if (context->major > HASYNC_CONTEXT_MAJOR)
	{
		return hasync_fail(error, UNSUPPORTED,
						   "context.major: %u is newer than %u, which this plugin understands",
						   context->major, HASYNC_CONTEXT_MAJOR);
	}
	return check_ike(context->ike, error) && check_children(context, error);
}
