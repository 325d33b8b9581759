/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vpe.h"

#include "control.h"
#include "convert.h"
#include "keymat.h"
#include "vpe_notify.h"
#include "vpe_policies.h"

#include <sa/ikev2/tasks/child_create.h>

static bool is_named(const char *child)
{
	char *names = lib->settings->get_str(lib->settings, "%s.plugins.hasync.vpe", "", lib->ns);
	enumerator_t *enumerator = enumerator_create_token(names, " ,", " ");
	char *name;
	bool found = FALSE;

	while (!found && enumerator->enumerate(enumerator, &name))
	{
		found = streq(name, child);
	}
	enumerator->destroy(enumerator);
	return found;
}

/* As this end is configured. */
static bool is_wanted(child_sa_t *child_sa)
{
	child_cfg_t *config = child_sa->get_config(child_sa);

	return config->has_option(config, OPT_NO_POLICIES) && is_named(child_sa->get_name(child_sa));
}

static bool is_prefix(traffic_selector_t *ts)
{
	host_t *net;
	uint8_t bits;
	bool whole = ts->to_subnet(ts, &net, &bits);

	net->destroy(net);
	return whole && !ts->get_protocol(ts) && ts->get_from_port(ts) == 0 && ts->get_to_port(ts) == UINT16_MAX;
}

static bool are_prefixes(child_sa_t *child_sa, bool local)
{
	enumerator_t *enumerator = child_sa->create_ts_enumerator(child_sa, local);
	traffic_selector_t *ts;
	bool all = TRUE;

	while (enumerator->enumerate(enumerator, &ts))
	{
		all = all && is_prefix(ts);
	}
	enumerator->destroy(enumerator);
	return all;
}

/* Can it be VPE, by what both ends know of it? */
static bool is_possible(ike_sa_t *ike_sa, child_sa_t *child_sa)
{
	proposal_t *proposal = child_sa->get_proposal(child_sa);
	uint16_t alg, bits;

	return child_sa->get_protocol(child_sa) == PROTO_ESP && child_sa->get_mode(child_sa) == MODE_TUNNEL &&
		   child_sa->get_ipcomp(child_sa) == IPCOMP_NONE && !ike_sa->has_condition(ike_sa, COND_NAT_ANY) &&
		   proposal && proposal->get_algorithm(proposal, ENCRYPTION_ALGORITHM, &alg, &bits) &&
		   alg == ENCR_AES_GCM_ICV16 && (bits == 128 || bits == 256) && are_prefixes(child_sa, TRUE) &&
		   are_prefixes(child_sa, FALSE);
}

/* The port where VPE is received here, on the address of this IKE_SA; 0: it is not. */
static uint16_t own_port(hasync_server_t *server, ike_sa_t *ike_sa)
{
	host_t *host = NULL, *me = ike_sa->get_my_host(ike_sa);
	uint16_t port =
		hasync_server_vpe_client(server, &host) && host->ip_equals(host, me) ? host->get_port(host) : 0;

	DESTROY_IF(host);
	return port;
}

static void announce(message_t *message, uint16_t port)
{
	uint16_t wire = htons(port);

	hasync_vpe_notify_add(message, HASYNC_NOTIFY_VPE, chunk_from_thing(wire));
}

static uint16_t announced_port(message_t *message)
{
	chunk_t body;

	return hasync_vpe_notify_get(message, HASYNC_NOTIFY_VPE, &body) && body.len >= sizeof(uint16_t)
			   ? untoh16(body.ptr)
			   : 0;
}

/* The CHILD_SA that this request of ours asks for, or the one that it rekeys. */
static child_sa_t *asked_child(ike_sa_t *ike_sa, message_t *message)
{
	notify_payload_t *rekey = message->get_notify(message, REKEY_SA);
	enumerator_t *tasks;
	child_sa_t *child_sa = NULL;
	task_t *task;

	if (rekey)
	{
		return ike_sa->get_child_sa(ike_sa, rekey->get_protocol_id(rekey), rekey->get_spi(rekey), TRUE);
	}
	tasks = ike_sa->create_task_enumerator(ike_sa, TASK_QUEUE_ACTIVE);
	while (!child_sa && tasks->enumerate(tasks, &task))
	{
		if (task->get_type(task) == TASK_CHILD_CREATE)
		{
			child_sa = ((child_create_t *)task)->get_child((child_create_t *)task);
		}
	}
	tasks->destroy(tasks);
	return child_sa;
}

static void ask(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *message)
{
	child_sa_t *child_sa = asked_child(ike_sa, message);
	uint16_t port = child_sa && is_wanted(child_sa) && !ike_sa->has_condition(ike_sa, COND_NAT_ANY)
						? own_port(server, ike_sa)
						: 0;

	memory->vpe.asked = port;
	if (port)
	{
		announce(message, port);
	}
}

void hasync_vpe_negotiate(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory,
						  message_t *message, bool incoming)
{
	exchange_type_t exchange = message->get_exchange_type(message);
	/* what negotiates a CHILD_SA has selectors as well: IKE_AUTH once, CREATE_CHILD_SA unless it rekeys the
	 * IKE_SA */
	if ((exchange != IKE_AUTH && exchange != CREATE_CHILD_SA) ||
		!message->get_payload(message, PLV2_TS_INITIATOR))
	{
		return;
	}
	if (incoming)
	{
		memory->vpe.port = announced_port(message);
		return;
	}
	if (message->get_request(message))
	{
		ask(server, ike_sa, memory, message);
		return;
	}
	if (memory->vpe.agreed)
	{
		announce(message, memory->vpe.agreed);
		memory->vpe.agreed = 0;
	}
}

void hasync_vpe_derived(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory,
						hasync_child_t *child, child_sa_t *child_sa, bool initiator)
{
	uint16_t port;

	if (!is_wanted(child_sa))
	{
		return;
	}
	port = initiator ? memory->vpe.asked : own_port(server, ike_sa);
	if (port && memory->vpe.port && is_possible(ike_sa, child_sa))
	{
		child->vpe.port = memory->vpe.port;
		child->vpe.of_cluster = hasync_server_has_cluster(server);
		memory->vpe.agreed = initiator ? 0 : port;
	}
	DBG1(DBG_CHD, "hasync: CHILD_SA %s is %s", child_sa->get_name(child_sa),
		 child->vpe.port ? "VPE" : "ESP, as VPE was not agreed");
}

static void fill_selectors(hasync_arena_t *arena, child_sa_t *child_sa, bool local, size_t *count,
						   Hasync__Proto__TrafficSelector ***list)
{
	enumerator_t *enumerator = child_sa->create_ts_enumerator(child_sa, local);
	traffic_selector_t *ts;
	Hasync__Proto__TrafficSelector **longer;

	*count = 0;
	*list = NULL;
	while (enumerator->enumerate(enumerator, &ts))
	{
		longer = hasync_arena_take(arena, (*count + 1) * sizeof(*longer));
		memcpy(longer, *list ?: longer, *count * sizeof(*longer));
		longer[(*count)++] = hasync_from_selector(arena, ts);
		*list = longer;
	}
	enumerator->destroy(enumerator);
}

static bool is_pending(child_sa_t *child_sa)
{
	return (child_sa->get_outbound_state(child_sa) & CHILD_OUTBOUND_REGISTERED) != 0;
}

static char *text(hasync_arena_t *arena, const char *text)
{
	return hasync_arena_copy(arena, text, strlen(text) + 1);
}

/* Who may send on it, and as what. A client that was told of it once keeps what it had then. */
static void tell_place(hasync_child_t *child, uint64_t client, Hasync__Proto__VpeChild *told,
					   Hasync__Proto__VpePlace *place)
{
	told->of_cluster = child->vpe.of_cluster;
	if (!child->vpe.of_cluster)
	{
		child->vpe.incarnations += client != child->vpe.client;
		told->incarnation = child->vpe.incarnations - 1;
	}
	else if (client == child->vpe.given)
	{
		place->node = child->vpe.node;
		place->incarnation = child->vpe.incarnations - 1;
		told->place = place;
	}
	child->vpe.client = client;
}

void hasync_vpe_tell(hasync_server_t *server, ike_sa_t *ike_sa, hasync_child_t *child, child_sa_t *child_sa)
{
	Hasync__Proto__VpeChild told = HASYNC__PROTO__VPE_CHILD__INIT;
	Hasync__Proto__VpePlace place = HASYNC__PROTO__VPE_PLACE__INIT;
	Hasync__Proto__Event event = HASYNC__PROTO__EVENT__INIT;
	uint64_t client = hasync_server_vpe_client(server, NULL);
	hasync_arena_t arena;

	child->vpe.pending = is_pending(child_sa);
	if (!client)
	{
		return;
	}
	tell_place(child, client, &told, &place);
	hasync_arena_init(&arena);
	told.sa = hasync_from_ike_sa_id(&arena, ike_sa->get_id(ike_sa));
	told.connection = text(&arena, ike_sa->get_name(ike_sa));
	told.child = text(&arena, child_sa->get_name(child_sa));
	told.reqid = child_sa->get_reqid(child_sa);
	told.inbound_spi = ntohl(child_sa->get_spi(child_sa, TRUE));
	told.outbound_spi = ntohl(child_sa->get_spi(child_sa, FALSE));
	told.remote = hasync_from_host(&arena, ike_sa->get_other_host(ike_sa));
	told.remote->port = child->vpe.port;
	fill_selectors(&arena, child_sa, TRUE, &told.n_local_ts, &told.local_ts);
	fill_selectors(&arena, child_sa, FALSE, &told.n_remote_ts, &told.remote_ts);
	told.inbound_key = hasync_from_chunk(&arena, child->encryption_in);
	told.outbound_key = hasync_from_chunk(&arena, child->encryption_out);
	told.outbound_pending = child->vpe.pending;
	told.delete_in = hasync_from_time(&arena, child_sa->get_lifetime(child_sa, TRUE));
	event.event_case = HASYNC__PROTO__EVENT__EVENT_VPE_CHILD;
	event.vpe_child = &told;
	hasync_server_vpe_event(server, client, &event);
	hasync_arena_clear(&arena);
}

static void tell_gone(hasync_server_t *server, child_sa_t *child_sa)
{
	Hasync__Proto__VpeGone gone = HASYNC__PROTO__VPE_GONE__INIT;
	Hasync__Proto__Event event = HASYNC__PROTO__EVENT__INIT;

	gone.inbound_spi = ntohl(child_sa->get_spi(child_sa, TRUE));
	event.event_case = HASYNC__PROTO__EVENT__EVENT_VPE_GONE;
	event.vpe_gone = &gone;
	hasync_server_vpe_event(server, hasync_server_vpe_client(server, NULL), &event);
}

void hasync_vpe_child_state(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory,
							child_sa_t *child_sa, child_sa_state_t state)
{
	hasync_child_t *child = hasync_memory_find_child(memory, child_sa->get_spi(child_sa, TRUE));

	if (!child || !is_wanted(child_sa))
	{
		return;
	}
	if (state == CHILD_DESTROYING)
	{
		hasync_vpe_policies_remove(child, child_sa);
		if (child->vpe.port)
		{
			tell_gone(server, child_sa);
		}
	}
	else if (state == CHILD_INSTALLED && child->vpe.port)
	{
		hasync_vpe_tell(server, ike_sa, child, child_sa);
	}
	else if (state == CHILD_INSTALLED)
	{
		hasync_vpe_policies_install(ike_sa, child, child_sa);
	}
}

void hasync_vpe_settle(hasync_server_t *server, ike_sa_t *ike_sa, hasync_memory_t *memory, bool all)
{
	enumerator_t *enumerator = ike_sa->create_child_sa_enumerator(ike_sa);
	uint64_t client = hasync_server_vpe_client(server, NULL);
	hasync_child_t *child;
	child_sa_t *child_sa;

	while (enumerator->enumerate(enumerator, &child_sa))
	{
		child = hasync_memory_find_child(memory, child_sa->get_spi(child_sa, TRUE));
		if (child && child->vpe.port && is_wanted(child_sa) &&
			(all || child->vpe.pending != is_pending(child_sa) || child->vpe.client != client))
		{
			hasync_vpe_tell(server, ike_sa, child, child_sa);
		}
	}
	enumerator->destroy(enumerator);
}

hasync_child_t *hasync_vpe_find(ike_sa_t *ike_sa, hasync_memory_t *memory, uint32_t spi, bool inbound,
								child_sa_t **child_sa)
{
	hasync_child_t *child;

	*child_sa = ike_sa->get_child_sa(ike_sa, PROTO_ESP, spi, inbound);
	child = *child_sa ? hasync_memory_find_child(memory, (*child_sa)->get_spi(*child_sa, TRUE)) : NULL;
	return child && child->vpe.port ? child : NULL;
}

static ike_sa_t *checkout(const Hasync__Proto__SaId *sa, hasync_memory_t **memory)
{
	ike_sa_t *ike_sa = hasync_checkout(sa->initiator_spi, sa->responder_spi);

	*memory = ike_sa ? hasync_memory_of(ike_sa) : NULL;
	return ike_sa;
}

void hasync_vpe_put(hasync_server_t *server, const Hasync__Proto__Context *context)
{
	Hasync__Proto__SaId sa = HASYNC__PROTO__SA_ID__INIT;
	hasync_memory_t *memory;
	ike_sa_t *ike_sa;
	bool any = FALSE;
	size_t i;

	for (i = 0; i < context->n_children; i++)
	{
		any = any || context->children[i]->vpe_port;
	}
	sa.initiator_spi = context->ike->initiator_spi;
	sa.responder_spi = context->ike->responder_spi;
	ike_sa = any ? checkout(&sa, &memory) : NULL;
	if (!ike_sa)
	{
		return;
	}
	if (memory)
	{
		hasync_vpe_settle(server, ike_sa, memory, FALSE);
	}
	charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
}

/* A number below one that was given before is another's: the log that says so cannot be the one that gave it.
 */
static void give(hasync_server_t *server, uint64_t client, const Hasync__Proto__GiveVpe__Share *share)
{
	hasync_memory_t *memory;
	ike_sa_t *ike_sa = checkout(share->sa, &memory);
	child_sa_t *child_sa;
	hasync_child_t *child;

	if (!ike_sa)
	{
		return;
	}
	child = memory ? hasync_vpe_find(ike_sa, memory, htonl(share->outbound_spi), FALSE, &child_sa) : NULL;
	if (child && child->vpe.of_cluster && is_wanted(child_sa) && client != child->vpe.given &&
		share->place->incarnation >= child->vpe.incarnations)
	{
		child->vpe.given = client;
		child->vpe.node = share->place->node;
		child->vpe.incarnations = share->place->incarnation + 1;
		hasync_vpe_tell(server, ike_sa, child, child_sa);
	}
	charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
}

void hasync_vpe_give(hasync_server_t *server, const Hasync__Proto__GiveVpe *shares)
{
	uint64_t client = hasync_server_vpe_client(server, NULL);
	size_t i;

	for (i = 0; client && shares->session == hasync_server_session(server, client) && i < shares->n_shares;
		 i++)
	{
		give(server, client, shares->shares[i]);
	}
}

void hasync_vpe_tell_all(hasync_server_t *server, uint64_t client)
{
	Hasync__Proto__Synced synced = HASYNC__PROTO__SYNCED__INIT;
	Hasync__Proto__Event event = HASYNC__PROTO__EVENT__INIT;
	enumerator_t *enumerator = charon->ike_sa_manager->create_enumerator(charon->ike_sa_manager, TRUE);
	hasync_memory_t *memory;
	ike_sa_t *ike_sa;

	while (enumerator->enumerate(enumerator, &ike_sa))
	{
		memory = hasync_memory_of(ike_sa);
		if (memory)
		{
			hasync_vpe_settle(server, ike_sa, memory, TRUE);
		}
	}
	enumerator->destroy(enumerator);
	event.event_case = HASYNC__PROTO__EVENT__EVENT_SYNCED;
	event.synced = &synced;
	hasync_server_vpe_event(server, client, &event);
}
