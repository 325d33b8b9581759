/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export_child.h"

#include "numbers.h"
#include "releases.h"

#define UNSUPPORTED HASYNC__PROTO__ERROR_CODE__UNSUPPORTED
#define KEYS_UNKNOWN HASYNC__PROTO__ERROR_CODE__KEYS_UNKNOWN

bool hasync_child_is_exported(child_sa_t *child_sa)
{
	switch (child_sa->get_state(child_sa))
	{
		case CHILD_INSTALLED:
		case CHILD_UPDATING:
		case CHILD_REKEYING:
		case CHILD_REKEYED:
		case CHILD_DELETING:
			return TRUE;
		case CHILD_CREATED:
		case CHILD_ROUTED:
		case CHILD_INSTALLING:
		case CHILD_RETRYING:
		case CHILD_DELETED:
		case CHILD_DESTROYING:
			return FALSE;
	}
	return FALSE;
}

static size_t export_selectors(child_sa_t *child_sa, bool local, hasync_arena_t *arena,
							   Hasync__Proto__TrafficSelector ***list)
{
	enumerator_t *enumerator;
	traffic_selector_t *ts;
	size_t count = 0, i = 0;

	enumerator = child_sa->create_ts_enumerator(child_sa, local);
	while (enumerator->enumerate(enumerator, &ts))
	{
		count++;
	}
	enumerator->destroy(enumerator);
	*list = hasync_arena_take(arena, count * sizeof(**list));
	enumerator = child_sa->create_ts_enumerator(child_sa, local);
	while (i < count && enumerator->enumerate(enumerator, &ts))
	{
		(*list)[i++] = hasync_from_selector(arena, ts);
	}
	enumerator->destroy(enumerator);
	return i;
}

static Hasync__Proto__Mark *export_mark(child_sa_t *child_sa, bool inbound, hasync_arena_t *arena)
{
	mark_t mark = child_sa->get_mark(child_sa, inbound);
	Hasync__Proto__Mark *message;

	if (!mark.value && !mark.mask)
	{
		return NULL;
	}
	message = hasync_arena_take(arena, sizeof(*message));
	hasync__proto__mark__init(message);
	message->value = mark.value;
	message->mask = mark.mask;
	return message;
}

static void export_form(ike_sa_t *ike_sa, child_sa_t *child_sa, hasync_arena_t *arena,
						Hasync__Proto__ChildSa *child)
{
	child_sa_state_t state = child_sa->get_state(child_sa);
	proposal_t *proposal = child_sa->get_proposal(child_sa);
	char *name = child_sa->get_name(child_sa);
	uint16_t esn = NO_EXT_SEQ_NUMBERS;

	child->name = hasync_arena_copy(arena, name, strlen(name) + 1);
	child->protocol = child_sa->get_protocol(child_sa) == PROTO_AH ? IPPROTO_AH : IPPROTO_ESP;
	child->inbound_spi = ntohl(child_sa->get_spi(child_sa, TRUE));
	child->outbound_spi = ntohl(child_sa->get_spi(child_sa, FALSE));
	child->mode = child_sa->get_mode(child_sa);
	child->reqid = child_sa->get_reqid(child_sa);
	child->installed = state == CHILD_INSTALLED || state == CHILD_UPDATING || state == CHILD_REKEYING;
	child->replaced_by_outbound_spi = ntohl(hasync_successor_spi(child_sa));
	child->outbound_pending = (child_sa->get_outbound_state(child_sa) & CHILD_OUTBOUND_REGISTERED) != 0;
	child->encryption = hasync_from_proposal(arena, proposal, ENCRYPTION_ALGORITHM);
	child->integrity = hasync_from_proposal(arena, proposal, INTEGRITY_ALGORITHM);
	child->key_exchange = hasync_from_proposal(arena, proposal, KEY_EXCHANGE_METHOD);
	proposal->get_algorithm(proposal, EXTENDED_SEQUENCE_NUMBERS, &esn, NULL);
	child->esn = esn == EXT_SEQ_NUMBERS;
	child->n_local_ts = export_selectors(child_sa, TRUE, arena, &child->local_ts);
	child->n_remote_ts = export_selectors(child_sa, FALSE, arena, &child->remote_ts);
	child->mark_in = export_mark(child_sa, TRUE, arena);
	child->mark_out = export_mark(child_sa, FALSE, arena);
	child->if_id_in = child_sa->get_if_id(child_sa, TRUE);
	child->if_id_out = child_sa->get_if_id(child_sa, FALSE);
	child->udp_encapsulation = child_sa->has_encap(child_sa);
	child->ipcomp = child_sa->get_ipcomp(child_sa);
	child->inbound_cpi = ntohs(child_sa->get_cpi(child_sa, TRUE));
	child->outbound_cpi = ntohs(child_sa->get_cpi(child_sa, FALSE));
}

static void export_keys(const hasync_child_t *known, hasync_arena_t *arena, Hasync__Proto__ChildSa *child)
{
	child->inbound_encryption_key = hasync_from_chunk(arena, known->encryption_in);
	child->inbound_integrity_key = hasync_from_chunk(arena, known->integrity_in);
	child->outbound_encryption_key = hasync_from_chunk(arena, known->encryption_out);
	child->outbound_integrity_key = hasync_from_chunk(arena, known->integrity_out);
}

static void export_times(child_sa_t *child_sa, const hasync_child_t *known, hasync_arena_t *arena,
						 Hasync__Proto__ChildSa *child)
{
	time_t installed = known->installed_at ?: child_sa->get_installtime(child_sa);
	time_t rekey = known->rekey_at ?: child_sa->get_lifetime(child_sa, FALSE);
	time_t expire = known->delete_at ?: child_sa->get_lifetime(child_sa, TRUE);

	child->rekey_in = hasync_from_time(arena, rekey);
	child->delete_in = hasync_from_time(arena, expire);
	child->installed_ago = max(0, time_monotonic(NULL) - installed);
}

static Hasync__Proto__Usage *export_usage(const hasync_xfrm_ae_t *state, hasync_arena_t *arena)
{
	Hasync__Proto__Usage *usage = hasync_arena_take(arena, sizeof(*usage));

	hasync__proto__usage__init(usage);
	usage->bytes = state->bytes;
	usage->packets = state->packets;
	return usage;
}

static void export_numbers(ike_sa_t *ike_sa, child_sa_t *child_sa, hasync_arena_t *arena,
						   Hasync__Proto__ChildSa *child)
{
	hasync_xfrm_ae_t state;
	uint32_t i;

	if (hasync_numbers_get(ike_sa, child_sa, FALSE, &state))
	{
		child->outbound_number = state.outbound;
		child->outbound_usage = export_usage(&state, arena);
	}
	if (hasync_numbers_get(ike_sa, child_sa, TRUE, &state))
	{
		child->inbound_top = state.inbound;
		child->inbound_usage = export_usage(&state, arena);
		child->replay_window = state.window;
		for (i = 0; i < state.words; i++)
		{
			state.bitmap[i] = htole32(state.bitmap[i]);
		}
		child->replay_bitmap = hasync_from_chunk(
			arena, chunk_create((u_char *)state.bitmap, (state.window + 31) / 32 * sizeof(uint32_t)));
	}
}

Hasync__Proto__ChildSa *hasync_export_child(ike_sa_t *ike_sa, child_sa_t *child_sa, hasync_memory_t *memory,
											hasync_arena_t *arena, hasync_error_t *error)
{
	hasync_child_t *known = hasync_memory_find_child(memory, child_sa->get_spi(child_sa, TRUE));
	ipsec_mode_t mode = child_sa->get_mode(child_sa);
	Hasync__Proto__ChildSa *child;

	if (!known)
	{
		hasync_fail(error, KEYS_UNKNOWN, "keys of CHILD_SA %s are not known", child_sa->get_name(child_sa));
		return NULL;
	}
	if (mode != MODE_TUNNEL && mode != MODE_TRANSPORT)
	{
		hasync_fail(error, UNSUPPORTED, "CHILD_SA %s is neither in tunnel nor in transport mode",
					child_sa->get_name(child_sa));
		return NULL;
	}
	child = hasync_arena_take(arena, sizeof(*child));
	hasync__proto__child_sa__init(child);
	export_form(ike_sa, child_sa, arena, child);
	export_keys(known, arena, child);
	export_times(child_sa, known, arena, child);
	export_numbers(ike_sa, child_sa, arena, child);
	child->vpe_port = known->vpe.port;
	child->vpe_counted = known->vpe.port && !known->vpe.of_cluster;
	return child;
}
