/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checks.h"

#define BAD HASYNC__PROTO__ERROR_CODE__BAD_REQUEST
#define UNSUPPORTED HASYNC__PROTO__ERROR_CODE__UNSUPPORTED

#define MAX_PACKETS 64
#define MAX_OUTSTANDING 8
#define MAX_ADDRESSES 64
#define MAX_FLAGS 64
#define MAX_IDENTITY 4096
#define MIN_NONCE 16 /* RFC 7296, section 3.9 */
#define MAX_NONCE 256
#define MAX_PRIVATE_VALUE 1024 /* MODP with 8192 bits (RFC 3526, section 7) */

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
	if (!hasync_check_count(count, MAX_ADDRESSES, field, error))
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
	return hasync_check_count(id->data.len, MAX_IDENTITY, field, error);
}

static bool check_message(const Hasync__Proto__SentMessage *message, const char *field, hasync_error_t *error)
{
	if (!message->n_packets)
	{
		return hasync_fail(error, BAD, "%s.packets: none", field);
	}
	if (!hasync_check_count(message->n_packets, MAX_PACKETS, field, error))
	{
		return false;
	}
	for (size_t i = 0; i < message->n_packets; i++)
	{
		if (message->packets[i].len < HASYNC_IKE_HEADER || message->packets[i].len > 65535)
		{
			return hasync_fail(error, BAD, "%s.packets: %zu bytes, expected %d to 65535", field,
							   message->packets[i].len, HASYNC_IKE_HEADER);
		}
	}
	return true;
}

static bool check_rekey(const Hasync__Proto__OwnRekey *rekey, hasync_error_t *error)
{
	const char *where = "context.ike.outstanding_requests.rekey";

	/* RFC 4303, section 2.1: SPIs 0 to 255 are reserved */
	if (rekey->child_inbound_spi &&
		(rekey->child_inbound_spi < 256 || rekey->spi < 256 || rekey->spi > UINT32_MAX))
	{
		return hasync_fail(error, BAD, "%s.spi: %llx is none of a CHILD_SA, or that which it replaces is not",
						   where, (unsigned long long)rekey->spi);
	}
	if (!rekey->spi)
	{
		return hasync_fail(error, BAD, "%s.spi: 0", where);
	}
	if (rekey->nonce.len < MIN_NONCE || rekey->nonce.len > MAX_NONCE)
	{
		return hasync_fail(error, BAD, "%s.nonce: %zu bytes, expected %d to %d", where, rekey->nonce.len,
						   MIN_NONCE, MAX_NONCE);
	}
	if (rekey->rival_nonce.len && (rekey->rival_nonce.len < MIN_NONCE || rekey->rival_nonce.len > MAX_NONCE))
	{
		return hasync_fail(error, BAD, "%s.rival_nonce: %zu bytes, expected %d to %d", where,
						   rekey->rival_nonce.len, MIN_NONCE, MAX_NONCE);
	}
	if (rekey->key_exchange > 65535 || (!rekey->key_exchange && !rekey->child_inbound_spi))
	{
		return hasync_fail(error, BAD, "%s.key_exchange: %u", where, rekey->key_exchange);
	}
	if (rekey->private_value.len > MAX_PRIVATE_VALUE || (rekey->private_value.len && !rekey->key_exchange))
	{
		return hasync_fail(error, BAD, "%s.private_value: %zu bytes for key exchange %u", where,
						   rekey->private_value.len, rekey->key_exchange);
	}
	return true;
}

static bool check_requests(const Hasync__Proto__IkeSa *ike, hasync_error_t *error)
{
	const char *field = "context.ike.outstanding_requests";

	if (!hasync_check_count(ike->n_outstanding_requests, MAX_OUTSTANDING, field, error))
	{
		return false;
	}
	for (size_t i = 0; i < ike->n_outstanding_requests; i++)
	{
		const Hasync__Proto__SentMessage *request = ike->outstanding_requests[i];

		if (!check_message(request, field, error) || (request->rekey && !check_rekey(request->rekey, error)))
		{
			return false;
		}
		if (ike->next_request_id - request->message_id - 1 >= MAX_OUTSTANDING)
		{
			return hasync_fail(error, BAD, "%s.message_id: %u, but request %u is sent next", field,
							   request->message_id, ike->next_request_id);
		}
	}
	return true;
}

static bool check_ike_keys(const Hasync__Proto__IkeSa *ike, hasync_error_t *error)
{
	const char *where = "context.ike";
	size_t encryption, integrity = 0;

	if (!hasync_check_encryption(ike->encryption, ike->integrity, where, error))
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
	return hasync_check_length(ike->sk_d.len, (size_t)hasync_prf_key_length(ike->prf->id), where, "sk_d",
							   error) &&
		   hasync_check_length(ike->sk_ei.len, encryption, where, "sk_ei", error) &&
		   hasync_check_length(ike->sk_er.len, encryption, where, "sk_er", error) &&
		   hasync_check_length(ike->sk_ai.len, integrity, where, "sk_ai", error) &&
		   hasync_check_length(ike->sk_ar.len, integrity, where, "sk_ar", error);
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
		!hasync_check_length(ike->last_request_hash.len, 32, "context.ike", "last_request_hash", error))
	{
		return false;
	}
	return check_requests(ike, error);
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
	return hasync_check_count(ike->n_conditions, MAX_FLAGS, "context.ike.conditions", error) &&
		   hasync_check_count(ike->n_extensions, MAX_FLAGS, "context.ike.extensions", error) &&
		   check_hosts(ike->peer_addresses, ike->n_peer_addresses, "context.ike.peer_addresses", error) &&
		   check_hosts(ike->local_virtual_ips, ike->n_local_virtual_ips, "context.ike.local_virtual_ips",
					   error) &&
		   check_hosts(ike->remote_virtual_ips, ike->n_remote_virtual_ips, "context.ike.remote_virtual_ips",
					   error) &&
		   hasync_check_name(ike->connection, "context.ike.connection", error);
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
		   hasync_check_remaining(ike->rekey_in, "context.ike.rekey_in", error) &&
		   hasync_check_remaining(ike->reauth_in, "context.ike.reauth_in", error) &&
		   hasync_check_remaining(ike->delete_in, "context.ike.delete_in", error) &&
		   hasync_check_ago(ike->established_ago, "context.ike.established_ago", error) &&
		   hasync_check_ago(ike->last_inbound_ago, "context.ike.last_inbound_ago", error);
}

static bool check_children(const Hasync__Proto__Context *context, hasync_error_t *error)
{
	if (!hasync_check_count(context->n_children, HASYNC_MAX_CHILDREN, "context.children", error))
	{
		return false;
	}
	for (size_t i = 0; i < context->n_children; i++)
	{
		if (!hasync_check_child(context->children[i], i, error))
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
