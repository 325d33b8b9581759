/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "convert.h"

typedef struct
{
	uint32_t wire;
	uint32_t charon;
} flag_t;

static const flag_t conditions[] = {
	{HASYNC__PROTO__CONDITION__CONDITION_LOCAL_NAT, COND_NAT_HERE},
	{HASYNC__PROTO__CONDITION__CONDITION_REMOTE_NAT, COND_NAT_THERE},
	{HASYNC__PROTO__CONDITION__CONDITION_FAKED_NAT, COND_NAT_FAKE},
	{HASYNC__PROTO__CONDITION__CONDITION_EAP_AUTHENTICATED, COND_EAP_AUTHENTICATED},
	{HASYNC__PROTO__CONDITION__CONDITION_AUTHENTICATED, COND_AUTHENTICATED},
	{HASYNC__PROTO__CONDITION__CONDITION_CERTREQ_SEEN, COND_CERTREQ_SEEN},
	{HASYNC__PROTO__CONDITION__CONDITION_INIT_CONTACT_SEEN, COND_INIT_CONTACT_SEEN},
	{HASYNC__PROTO__CONDITION__CONDITION_REDIRECTED, COND_REDIRECTED},
	{HASYNC__PROTO__CONDITION__CONDITION_ORIGINAL_INITIATOR, COND_ORIGINAL_INITIATOR},
};

static const flag_t extensions[] = {
	{HASYNC__PROTO__EXTENSION__EXTENSION_NATT, EXT_NATT},
	{HASYNC__PROTO__EXTENSION__EXTENSION_MOBIKE, EXT_MOBIKE},
	{HASYNC__PROTO__EXTENSION__EXTENSION_HASH_AND_URL, EXT_HASH_AND_URL},
	{HASYNC__PROTO__EXTENSION__EXTENSION_MULTIPLE_AUTH, EXT_MULTIPLE_AUTH},
	{HASYNC__PROTO__EXTENSION__EXTENSION_STRONGSWAN, EXT_STRONGSWAN},
	{HASYNC__PROTO__EXTENSION__EXTENSION_EAP_ONLY, EXT_EAP_ONLY_AUTHENTICATION},
	{HASYNC__PROTO__EXTENSION__EXTENSION_FRAGMENTATION, EXT_IKE_FRAGMENTATION},
	{HASYNC__PROTO__EXTENSION__EXTENSION_SIGNATURE_AUTH, EXT_SIGNATURE_AUTH},
	{HASYNC__PROTO__EXTENSION__EXTENSION_REDIRECTION, EXT_IKE_REDIRECTION},
	{HASYNC__PROTO__EXTENSION__EXTENSION_MESSAGE_ID_SYNC, EXT_IKE_MESSAGE_ID_SYNC},
	{HASYNC__PROTO__EXTENSION__EXTENSION_PPK, EXT_PPK},
	{HASYNC__PROTO__EXTENSION__EXTENSION_WINDOWS, EXT_MS_WINDOWS},
	{HASYNC__PROTO__EXTENSION__EXTENSION_CHILDLESS, EXT_IKE_CHILDLESS},
};

ProtobufCBinaryData hasync_from_chunk(hasync_arena_t *arena, chunk_t chunk)
{
	return (ProtobufCBinaryData){.len = chunk.len, .data = hasync_arena_copy(arena, chunk.ptr, chunk.len)};
}

chunk_t hasync_to_chunk(ProtobufCBinaryData data)
{
	return chunk_create(data.data, data.len);
}

Hasync__Proto__SaId *hasync_from_ike_sa_id(hasync_arena_t *arena, ike_sa_id_t *id)
{
	Hasync__Proto__SaId *sa = hasync_arena_take(arena, sizeof(*sa));

	hasync__proto__sa_id__init(sa);
	sa->initiator_spi = be64toh(id->get_initiator_spi(id));
	sa->responder_spi = be64toh(id->get_responder_spi(id));
	return sa;
}

ike_sa_id_t *hasync_to_ike_sa_id(uint64_t initiator_spi, uint64_t responder_spi, bool initiator)
{
	return ike_sa_id_create(IKEV2_MAJOR_VERSION, htobe64(initiator_spi), htobe64(responder_spi), initiator);
}

Hasync__Proto__Host *hasync_from_host(hasync_arena_t *arena, host_t *host)
{
	Hasync__Proto__Host *message;

	if (!host)
	{
		return NULL;
	}
	message = hasync_arena_take(arena, sizeof(*message));
	hasync__proto__host__init(message);
	message->address = hasync_from_chunk(arena, host->get_address(host));
	message->port = host->get_port(host);
	return message;
}

host_t *hasync_to_host(const Hasync__Proto__Host *host)
{
	int family = host->address.len == 4 ? AF_INET : AF_INET6;

	return host_create_from_chunk(family, hasync_to_chunk(host->address), host->port);
}

Hasync__Proto__Identity *hasync_from_identity(hasync_arena_t *arena, identification_t *id)
{
	Hasync__Proto__Identity *message;

	if (!id)
	{
		return NULL;
	}
	message = hasync_arena_take(arena, sizeof(*message));
	hasync__proto__identity__init(message);
	message->type = id->get_type(id);
	message->data = hasync_from_chunk(arena, id->get_encoding(id));
	return message;
}

identification_t *hasync_to_identity(const Hasync__Proto__Identity *id)
{
	return identification_create_from_encoding(id->type, hasync_to_chunk(id->data));
}

Hasync__Proto__Remaining *hasync_from_time(hasync_arena_t *arena, time_t when)
{
	Hasync__Proto__Remaining *message;

	if (!when)
	{
		return NULL;
	}
	message = hasync_arena_take(arena, sizeof(*message));
	hasync__proto__remaining__init(message);
	message->seconds = (int64_t)when - (int64_t)time_monotonic(NULL);
	return message;
}

time_t hasync_to_time(const Hasync__Proto__Remaining *remaining)
{
	/* monotonic time can be younger than the time that is meant, but never 0, which means none */
	return remaining ? max(1, (int64_t)time_monotonic(NULL) + remaining->seconds) : 0;
}

Hasync__Proto__TrafficSelector *hasync_from_selector(hasync_arena_t *arena, traffic_selector_t *ts)
{
	Hasync__Proto__TrafficSelector *message = hasync_arena_take(arena, sizeof(*message));

	hasync__proto__traffic_selector__init(message);
	message->from_address = hasync_from_chunk(arena, ts->get_from_address(ts));
	message->to_address = hasync_from_chunk(arena, ts->get_to_address(ts));
	message->protocol = ts->get_protocol(ts);
	message->from_port = ts->get_from_port(ts);
	message->to_port = ts->get_to_port(ts);
	return message;
}

traffic_selector_t *hasync_to_selector(const Hasync__Proto__TrafficSelector *ts)
{
	ts_type_t type = ts->from_address.len == 4 ? TS_IPV4_ADDR_RANGE : TS_IPV6_ADDR_RANGE;

	return traffic_selector_create_from_bytes(ts->protocol, type, hasync_to_chunk(ts->from_address),
											  ts->from_port, hasync_to_chunk(ts->to_address), ts->to_port);
}

Hasync__Proto__Algorithm *hasync_from_proposal(hasync_arena_t *arena, proposal_t *proposal,
											   transform_type_t type)
{
	Hasync__Proto__Algorithm *message;
	uint16_t alg, bits = 0;

	if (!proposal || !proposal->get_algorithm(proposal, type, &alg, &bits))
	{
		return NULL;
	}
	message = hasync_arena_take(arena, sizeof(*message));
	hasync__proto__algorithm__init(message);
	message->id = alg;
	message->key_bits = type == ENCRYPTION_ALGORITHM ? bits : 0;
	return message;
}

static void add_algorithm(proposal_t *proposal, transform_type_t type,
						  const Hasync__Proto__Algorithm *algorithm)
{
	if (algorithm)
	{
		proposal->add_algorithm(proposal, type, algorithm->id, algorithm->key_bits);
	}
}

proposal_t *hasync_to_ike_proposal(const Hasync__Proto__IkeSa *ike)
{
	proposal_t *proposal = proposal_create(PROTO_IKE, 1);

	add_algorithm(proposal, ENCRYPTION_ALGORITHM, ike->encryption);
	add_algorithm(proposal, INTEGRITY_ALGORITHM, ike->integrity);
	add_algorithm(proposal, PSEUDO_RANDOM_FUNCTION, ike->prf);
	add_algorithm(proposal, KEY_EXCHANGE_METHOD, ike->key_exchange);
	return proposal;
}

proposal_t *hasync_to_child_proposal(const Hasync__Proto__ChildSa *child)
{
	proposal_t *proposal = proposal_create(hasync_to_protocol(child->protocol), 1);

	add_algorithm(proposal, ENCRYPTION_ALGORITHM, child->encryption);
	add_algorithm(proposal, INTEGRITY_ALGORITHM, child->integrity);
	add_algorithm(proposal, KEY_EXCHANGE_METHOD, child->key_exchange);
	proposal->add_algorithm(proposal, EXTENDED_SEQUENCE_NUMBERS,
							child->esn ? EXT_SEQ_NUMBERS : NO_EXT_SEQ_NUMBERS, 0);
	return proposal;
}

protocol_id_t hasync_to_protocol(uint32_t ip_protocol)
{
	return ip_protocol == IPPROTO_AH ? PROTO_AH : PROTO_ESP;
}

void hasync_from_flags(hasync_arena_t *arena, ike_sa_t *ike_sa, Hasync__Proto__IkeSa *ike)
{
	int i;

	ike->conditions = hasync_arena_take(arena, countof(conditions) * sizeof(*ike->conditions));
	for (i = 0; i < countof(conditions); i++)
	{
		if (ike_sa->has_condition(ike_sa, conditions[i].charon))
		{
			ike->conditions[ike->n_conditions++] = conditions[i].wire;
		}
	}
	ike->extensions = hasync_arena_take(arena, countof(extensions) * sizeof(*ike->extensions));
	for (i = 0; i < countof(extensions); i++)
	{
		if (ike_sa->supports_extension(ike_sa, extensions[i].charon))
		{
			ike->extensions[ike->n_extensions++] = extensions[i].wire;
		}
	}
}

static bool is_listed(uint32_t wire, const uint32_t *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
	{
		if (list[i] == wire)
		{
			return TRUE;
		}
	}
	return FALSE;
}

void hasync_to_flags(const Hasync__Proto__IkeSa *ike, ike_sa_t *ike_sa)
{
	int i;

	_Static_assert(sizeof(*ike->conditions) == sizeof(uint32_t), "protobuf-c's enums are as wide as int");
	for (i = 0; i < countof(conditions); i++)
	{
		ike_sa->set_condition(
			ike_sa, conditions[i].charon,
			is_listed(conditions[i].wire, (const uint32_t *)ike->conditions, ike->n_conditions));
	}
	for (i = 0; i < countof(extensions); i++)
	{
		if (is_listed(extensions[i].wire, (const uint32_t *)ike->extensions, ike->n_extensions))
		{
			ike_sa->enable_extension(ike_sa, extensions[i].charon);
		}
	}
}
