/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export.h"

#include "export_child.h"
#include "keymat.h"
#include "rekey.h"

#define BUSY HASYNC__PROTO__ERROR_CODE__BUSY
#define UNSUPPORTED HASYNC__PROTO__ERROR_CODE__UNSUPPORTED
#define KEYS_UNKNOWN HASYNC__PROTO__ERROR_CODE__KEYS_UNKNOWN

bool hasync_is_established(ike_sa_t *ike_sa)
{
	switch (ike_sa->get_state(ike_sa))
	{
		case IKE_ESTABLISHED:
		case IKE_PASSIVE:
		case IKE_REKEYING:
		case IKE_REKEYED:
		case IKE_DELETING:
			return ike_sa->get_version(ike_sa) == IKEV2;
		case IKE_CREATED:
		case IKE_CONNECTING:
		case IKE_DESTROYING:
			return FALSE;
	}
	return FALSE;
}

Hasync__Proto__SaState hasync_state_of(ike_sa_t *ike_sa)
{
	return ike_sa->get_state(ike_sa) == IKE_PASSIVE ? HASYNC__PROTO__SA_STATE__SA_STATE_PASSIVE
													: HASYNC__PROTO__SA_STATE__SA_STATE_ACTIVE;
}

bool hasync_keys_known(ike_sa_t *ike_sa)
{
	hasync_memory_t *memory = hasync_memory_of(ike_sa);
	enumerator_t *enumerator;
	child_sa_t *child_sa;
	bool known = memory && memory->keys_known;

	enumerator = ike_sa->create_child_sa_enumerator(ike_sa);
	while (known && enumerator->enumerate(enumerator, &child_sa))
	{
		known = !hasync_child_is_exported(child_sa) ||
				hasync_memory_find_child(memory, child_sa->get_spi(child_sa, TRUE));
	}
	enumerator->destroy(enumerator);
	return known;
}

static Hasync__Proto__OwnRekey *export_rekey(const hasync_rekey_t *rekey, hasync_arena_t *arena)
{
	Hasync__Proto__OwnRekey *message = hasync_arena_take(arena, sizeof(*message));

	hasync__proto__own_rekey__init(message);
	message->child_inbound_spi = ntohl(rekey->child_spi);
	message->spi = rekey->child_spi ? ntohl(rekey->spi) : be64toh(rekey->spi);
	message->nonce = hasync_from_chunk(arena, rekey->nonce);
	message->key_exchange = rekey->method;
	message->private_value = hasync_from_chunk(arena, rekey->private_value);
	message->rival_nonce = hasync_from_chunk(arena, rekey->rival_nonce);
	return message;
}

static Hasync__Proto__SentMessage *export_sent(const hasync_sent_t *sent, hasync_arena_t *arena)
{
	Hasync__Proto__SentMessage *message = hasync_arena_take(arena, sizeof(*message));
	chunk_t packet;
	int i;

	hasync__proto__sent_message__init(message);
	message->message_id = sent->id;
	message->packets = hasync_arena_take(arena, array_count(sent->packets) * sizeof(*message->packets));
	for (i = 0; i < array_count(sent->packets); i++)
	{
		array_get(sent->packets, i, &packet);
		message->packets[message->n_packets++] = hasync_from_chunk(arena, packet);
	}
	message->rekey = sent->rekey ? export_rekey(sent->rekey, arena) : NULL;
	return message;
}

static void export_messages(ike_sa_t *ike_sa, const hasync_memory_t *memory, hasync_arena_t *arena,
							Hasync__Proto__IkeSa *ike)
{
	hasync_sent_t *sent;
	int count, i;
	bool own;

	ike->next_request_id = ike_sa->get_message_id(ike_sa, TRUE);
	ike->expected_request_id = ike_sa->get_message_id(ike_sa, FALSE);
	if (array_count(memory->response.packets) && memory->response.id == ike->expected_request_id - 1)
	{
		ike->last_response = export_sent(&memory->response, arena);
		ike->last_request_hash = hasync_from_chunk(arena, memory->request_hash);
	}
	/* charon counts on only when the response is there */
	own = array_count(memory->request.packets) && memory->request.id == ike->next_request_id;
	count = array_count(memory->imported_requests);
	ike->outstanding_requests = hasync_arena_take(arena, (count + 1) * sizeof(*ike->outstanding_requests));
	for (i = 0; i < count; i++)
	{
		array_get(memory->imported_requests, i, &sent);
		ike->outstanding_requests[ike->n_outstanding_requests++] = export_sent(sent, arena);
	}
	if (own)
	{
		ike->outstanding_requests[ike->n_outstanding_requests++] = export_sent(&memory->request, arena);
		ike->next_request_id++;
	}
}

static void export_keys(ike_sa_t *ike_sa, const hasync_memory_t *memory, hasync_arena_t *arena,
						Hasync__Proto__IkeSa *ike)
{
	keymat_v2_t *keymat = (keymat_v2_t *)ike_sa->get_keymat(ike_sa);
	proposal_t *proposal = ike_sa->get_proposal(ike_sa);
	chunk_t sk_d = chunk_empty;

	ike->encryption = hasync_from_proposal(arena, proposal, ENCRYPTION_ALGORITHM);
	ike->integrity = hasync_from_proposal(arena, proposal, INTEGRITY_ALGORITHM);
	ike->prf = hasync_from_proposal(arena, proposal, PSEUDO_RANDOM_FUNCTION);
	ike->key_exchange = hasync_from_proposal(arena, proposal, KEY_EXCHANGE_METHOD);
	/* the keymat's own, since a PPK changes it after it was derived (RFC 8784, section 3) */
	keymat->get_skd(keymat, &sk_d);
	ike->sk_d = hasync_from_chunk(arena, sk_d);
	ike->sk_ai = hasync_from_chunk(arena, memory->keys.ai);
	ike->sk_ar = hasync_from_chunk(arena, memory->keys.ar);
	ike->sk_ei = hasync_from_chunk(arena, memory->keys.ei);
	ike->sk_er = hasync_from_chunk(arena, memory->keys.er);
}

/* Copies hosts from the enumerator, which is destroyed. */
static size_t export_hosts(enumerator_t *enumerator, hasync_arena_t *arena, Hasync__Proto__Host ***list)
{
	linked_list_t *hosts = linked_list_create_from_enumerator(enumerator);
	enumerator_t *again = hosts->create_enumerator(hosts);
	host_t *host;
	size_t count = 0;

	*list = hasync_arena_take(arena, hosts->get_count(hosts) * sizeof(**list));
	while (again->enumerate(again, &host))
	{
		(*list)[count++] = hasync_from_host(arena, host);
	}
	again->destroy(again);
	hosts->destroy(hosts);
	return count;
}

static void export_peers(ike_sa_t *ike_sa, hasync_memory_t *memory, hasync_arena_t *arena,
						 Hasync__Proto__IkeSa *ike)
{
	identification_t *other = ike_sa->get_other_id(ike_sa), *eap = ike_sa->get_other_eap_id(ike_sa);
	char *name = ike_sa->get_name(ike_sa);
	enumerator_t *local_vips;

	ike->local_id = hasync_from_identity(arena, ike_sa->get_my_id(ike_sa));
	ike->remote_id = hasync_from_identity(arena, other);
	ike->remote_eap_id = eap->equals(eap, other) ? NULL : hasync_from_identity(arena, eap);
	ike->local = hasync_from_host(arena, ike_sa->get_my_host(ike_sa));
	ike->remote = hasync_from_host(arena, ike_sa->get_other_host(ike_sa));
	hasync_from_flags(arena, ike_sa, ike);
	if (ike_sa->supports_extension(ike_sa, EXT_MOBIKE))
	{
		ike->n_peer_addresses =
			export_hosts(ike_sa->create_peer_address_enumerator(ike_sa), arena, &ike->peer_addresses);
	}
	local_vips = memory->local_vips->get_count(memory->local_vips)
					 ? memory->local_vips->create_enumerator(memory->local_vips)
					 : ike_sa->create_virtual_ip_enumerator(ike_sa, TRUE);
	ike->n_local_virtual_ips = export_hosts(local_vips, arena, &ike->local_virtual_ips);
	ike->n_remote_virtual_ips =
		export_hosts(ike_sa->create_virtual_ip_enumerator(ike_sa, FALSE), arena, &ike->remote_virtual_ips);
	ike->connection = hasync_arena_copy(arena, name, strlen(name) + 1);
}

static int64_t ago(ike_sa_t *ike_sa, statistic_t kind)
{
	time_t when = ike_sa->get_statistic(ike_sa, kind);

	return when ? max(0, time_monotonic(NULL) - when) : 0;
}

static void export_times(ike_sa_t *ike_sa, hasync_arena_t *arena, Hasync__Proto__IkeSa *ike)
{
	ike->rekey_in = hasync_from_time(arena, ike_sa->get_statistic(ike_sa, STAT_REKEY));
	ike->reauth_in = hasync_from_time(arena, ike_sa->get_statistic(ike_sa, STAT_REAUTH));
	ike->delete_in = hasync_from_time(arena, ike_sa->get_statistic(ike_sa, STAT_DELETE));
	ike->established_ago = ago(ike_sa, STAT_ESTABLISHED);
	ike->last_inbound_ago = ago(ike_sa, STAT_INBOUND);
}

static Hasync__Proto__IkeSa *export_ike(ike_sa_t *ike_sa, hasync_memory_t *memory, hasync_arena_t *arena)
{
	Hasync__Proto__IkeSa *ike = hasync_arena_take(arena, sizeof(*ike));
	ike_sa_id_t *id = ike_sa->get_id(ike_sa);
	ike_sa_state_t state = ike_sa->get_state(ike_sa);

	hasync__proto__ike_sa__init(ike);
	ike->initiator_spi = be64toh(id->get_initiator_spi(id));
	ike->responder_spi = be64toh(id->get_responder_spi(id));
	ike->original_initiator = id->is_initiator(id);
	ike->closing = memory->closing || state == IKE_REKEYED || state == IKE_DELETING;
	export_keys(ike_sa, memory, arena, ike);
	export_messages(ike_sa, memory, arena, ike);
	export_peers(ike_sa, memory, arena, ike);
	export_times(ike_sa, arena, ike);
	return ike;
}

static bool export_children(ike_sa_t *ike_sa, hasync_memory_t *memory, hasync_arena_t *arena,
							Hasync__Proto__Context *context, hasync_error_t *error)
{
	enumerator_t *enumerator;
	child_sa_t *child_sa;
	Hasync__Proto__ChildSa *child;
	bool complete = TRUE;

	context->children =
		hasync_arena_take(arena, ike_sa->get_child_count(ike_sa) * sizeof(*context->children));
	enumerator = ike_sa->create_child_sa_enumerator(ike_sa);
	while (complete && enumerator->enumerate(enumerator, &child_sa))
	{
		if (hasync_child_is_exported(child_sa))
		{
			child = hasync_export_child(ike_sa, child_sa, memory, arena, error);
			complete = child != NULL;
			context->children[context->n_children] = child;
			context->n_children += complete ? 1 : 0;
		}
	}
	enumerator->destroy(enumerator);
	return complete;
}

Hasync__Proto__Context *hasync_export(ike_sa_t *ike_sa, hasync_arena_t *arena, hasync_error_t *error)
{
	hasync_memory_t *memory = hasync_memory_of(ike_sa);
	Hasync__Proto__Context *context;
	int children = ike_sa->get_child_count(ike_sa);
	size_t size;

	if (ike_sa->get_version(ike_sa) != IKEV2)
	{
		hasync_fail(error, UNSUPPORTED, "IKE_SA %s: only IKEv2 can be carried on", ike_sa->get_name(ike_sa));
		return NULL;
	}
	if (children > HASYNC_MAX_CHILDREN)
	{
		hasync_fail(error, UNSUPPORTED, "IKE_SA %s: it has %d CHILD_SAs, more than %d",
					ike_sa->get_name(ike_sa), children, HASYNC_MAX_CHILDREN);
		return NULL;
	}
	if (!hasync_is_established(ike_sa))
	{
		hasync_fail(error, BUSY, "IKE_SA %s is not established", ike_sa->get_name(ike_sa));
		return NULL;
	}
	if (!memory || !memory->keys_known)
	{
		hasync_fail(error, KEYS_UNKNOWN, "keys of IKE_SA %s are not known", ike_sa->get_name(ike_sa));
		return NULL;
	}
	if (ike_sa->has_condition(ike_sa, COND_ONLINE_VALIDATION_SUSPENDED))
	{
		/* its certificates are not in the context, so another node could not finish this */
		hasync_fail(error, BUSY, "IKE_SA %s waits for the validation of its certificate",
					ike_sa->get_name(ike_sa));
		return NULL;
	}
	context = hasync_arena_take(arena, sizeof(*context));
	hasync__proto__context__init(context);
	context->major = HASYNC_CONTEXT_MAJOR;
	context->minor = HASYNC_CONTEXT_MINOR;
	context->ike = export_ike(ike_sa, memory, arena);
	if (!export_children(ike_sa, memory, arena, context, error))
	{
		return NULL;
	}
	size = hasync__proto__context__get_packed_size(context);
	if (size > HASYNC_MAX_CONTEXT)
	{
		hasync_fail(error, UNSUPPORTED, "IKE_SA %s: its context has %zu bytes, more than %d",
					ike_sa->get_name(ike_sa), size, HASYNC_MAX_CONTEXT);
		return NULL;
	}
	return context;
}

Hasync__Proto__SaSummary *hasync_summarize(ike_sa_t *ike_sa, hasync_arena_t *arena)
{
	Hasync__Proto__SaSummary *summary = hasync_arena_take(arena, sizeof(*summary));
	char *name = ike_sa->get_name(ike_sa);

	hasync__proto__sa_summary__init(summary);
	summary->sa = hasync_from_ike_sa_id(arena, ike_sa->get_id(ike_sa));
	summary->connection = hasync_arena_copy(arena, name, strlen(name) + 1);
	summary->local = hasync_from_host(arena, ike_sa->get_my_host(ike_sa));
	summary->remote = hasync_from_host(arena, ike_sa->get_other_host(ike_sa));
	summary->remote_id = hasync_from_identity(arena, ike_sa->get_other_eap_id(ike_sa));
	summary->state = hasync_state_of(ike_sa);
	summary->keys_known = hasync_keys_known(ike_sa);
	summary->children = ike_sa->get_child_count(ike_sa);
	return summary;
}
