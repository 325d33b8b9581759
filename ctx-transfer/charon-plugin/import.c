/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "import.h"

#include "control.h"
#include "convert.h"
#include "import_child.h"
#include "keymat.h"
#include "rekey.h"

#define NO_CONFIG HASYNC__PROTO__ERROR_CODE__NO_CONFIG
#define CONFLICT HASYNC__PROTO__ERROR_CODE__CONFLICT
#define UNSUPPORTED HASYNC__PROTO__ERROR_CODE__UNSUPPORTED

static void import_keys(hasync_memory_t *memory, const Hasync__Proto__IkeSa *ike)
{
	hasync_ike_keys_t keys = {
		.d = hasync_to_chunk(ike->sk_d),
		.ai = hasync_to_chunk(ike->sk_ai),
		.ar = hasync_to_chunk(ike->sk_ar),
		.ei = hasync_to_chunk(ike->sk_ei),
		.er = hasync_to_chunk(ike->sk_er),
	};

	hasync_memory_set_keys(memory, &keys);
}

static hasync_rekey_t *import_rekey(const Hasync__Proto__OwnRekey *message)
{
	hasync_rekey_t *rekey;

	INIT(rekey, .child_spi = htonl(message->child_inbound_spi),
		 .spi = message->child_inbound_spi ? htonl(message->spi) : htobe64(message->spi),
		 .nonce = chunk_clone(hasync_to_chunk(message->nonce)), .method = message->key_exchange,
		 .private_value = chunk_clone(hasync_to_chunk(message->private_value)),
		 .rival_nonce = chunk_clone(hasync_to_chunk(message->rival_nonce)));
	return rekey;
}

static void import_sent(hasync_sent_t *sent, const Hasync__Proto__SentMessage *message)
{
	size_t i;

	hasync_sent_clear(sent);
	sent->id = message->message_id;
	for (i = 0; i < message->n_packets; i++)
	{
		hasync_sent_add(sent, hasync_to_chunk(message->packets[i]));
	}
	sent->rekey = message->rekey ? import_rekey(message->rekey) : NULL;
}

static void import_messages(ike_sa_t *ike_sa, hasync_memory_t *memory, const Hasync__Proto__IkeSa *ike)
{
	hasync_sent_t *sent;
	size_t i;

	hasync_sent_clear(&memory->request);
	hasync_sent_clear(&memory->response);
	chunk_free(&memory->request_hash);
	hasync_memory_forget_requests(memory);
	for (i = 0; i < ike->n_outstanding_requests; i++)
	{
		sent = calloc(1, sizeof(*sent));
		import_sent(sent, ike->outstanding_requests[i]);
		array_insert(memory->imported_requests, ARRAY_TAIL, sent);
	}
	memory->response_imported = ike->last_response != NULL;
	if (ike->last_response)
	{
		import_sent(&memory->response, ike->last_response);
		memory->request_hash = chunk_clone(hasync_to_chunk(ike->last_request_hash));
	}
	ike_sa->set_message_id(ike_sa, TRUE, ike->next_request_id);
	ike_sa->set_message_id(ike_sa, FALSE, ike->expected_request_id);
}

static void import_identities(ike_sa_t *ike_sa, const Hasync__Proto__IkeSa *ike)
{
	identification_t *eap, *known = ike_sa->get_other_eap_id(ike_sa);
	auth_cfg_t *auth;

	ike_sa->set_my_id(ike_sa, hasync_to_identity(ike->local_id));
	if (ike->remote_eap_id)
	{
		eap = hasync_to_identity(ike->remote_eap_id);
		if (!eap->equals(eap, known))
		{
			auth = auth_cfg_create();
			auth->add(auth, AUTH_RULE_EAP_IDENTITY, eap->clone(eap));
			ike_sa->add_auth_cfg(ike_sa, FALSE, auth);
		}
		eap->destroy(eap);
	}
	ike_sa->set_other_id(ike_sa, hasync_to_identity(ike->remote_id));
}

static void import_addresses(ike_sa_t *ike_sa, hasync_memory_t *memory, const Hasync__Proto__IkeSa *ike)
{
	host_t *host;
	size_t i;

	ike_sa->clear_peer_addresses(ike_sa);
	for (i = 0; i < ike->n_peer_addresses; i++)
	{
		ike_sa->add_peer_address(ike_sa, hasync_to_host(ike->peer_addresses[i]));
	}
	/* does not give addresses back to a pool */
	ike_sa->clear_virtual_ips(ike_sa, FALSE);
	for (i = 0; i < ike->n_remote_virtual_ips; i++)
	{
		host = hasync_to_host(ike->remote_virtual_ips[i]);
		ike_sa->add_virtual_ip(ike_sa, FALSE, host);
		host->destroy(host);
	}
	while (memory->local_vips->remove_last(memory->local_vips, (void **)&host) == SUCCESS)
	{
		host->destroy(host);
	}
	for (i = 0; i < ike->n_local_virtual_ips; i++)
	{
		memory->local_vips->insert_last(memory->local_vips, hasync_to_host(ike->local_virtual_ips[i]));
	}
}

static void import_times(ike_sa_t *ike_sa, const Hasync__Proto__IkeSa *ike)
{
	time_t now = time_monotonic(NULL);

	ike_sa->set_statistic(ike_sa, STAT_ESTABLISHED, max(1, now - ike->established_ago));
	ike_sa->set_statistic(ike_sa, STAT_INBOUND, max(1, now - ike->last_inbound_ago));
	ike_sa->set_statistic(ike_sa, STAT_REKEY, hasync_to_time(ike->rekey_in));
	ike_sa->set_statistic(ike_sa, STAT_REAUTH, hasync_to_time(ike->reauth_in));
	ike_sa->set_statistic(ike_sa, STAT_DELETE, hasync_to_time(ike->delete_in));
}

/* Everything but keys, hosts and CHILD_SAs; the IKE_SA is passive, so nothing of this makes it send. */
static void apply(ike_sa_t *ike_sa, const Hasync__Proto__IkeSa *ike)
{
	hasync_memory_t *memory = hasync_memory_of(ike_sa);

	memory->closing = ike->closing;
	import_identities(ike_sa, ike);
	hasync_to_flags(ike, ike_sa);
	import_addresses(ike_sa, memory, ike);
	import_messages(ike_sa, memory, ike);
	import_times(ike_sa, ike);
}

static ike_sa_t *create(const Hasync__Proto__IkeSa *ike, peer_cfg_t *peer_cfg, hasync_error_t *error)
{
	ike_sa_id_t *id = hasync_to_ike_sa_id(ike->initiator_spi, ike->responder_spi, ike->original_initiator);
	ike_sa_t *ike_sa = ike_sa_create(id, ike->original_initiator, IKEV2);
	proposal_t *proposal = hasync_to_ike_proposal(ike);
	bool usable;

	id->destroy(id);
	charon->bus->set_sa(charon->bus, ike_sa);
	import_keys(hasync_memory_of(ike_sa), ike);
	usable = hasync_keymat_import(ike_sa, proposal);
	ike_sa->set_proposal(ike_sa, proposal);
	proposal->destroy(proposal);
	if (!usable)
	{
		ike_sa->destroy(ike_sa);
		charon->bus->set_sa(charon->bus, NULL);
		hasync_fail(error, UNSUPPORTED, "context.ike: an algorithm is not available in this charon");
		return NULL;
	}
	ike_sa->set_peer_cfg(ike_sa, peer_cfg);
	ike_sa->set_my_host(ike_sa, hasync_to_host(ike->local));
	ike_sa->set_other_host(ike_sa, hasync_to_host(ike->remote));
	ike_sa->set_state(ike_sa, IKE_PASSIVE);
	return ike_sa;
}

static bool import_new(const Hasync__Proto__Put *put, peer_cfg_t *peer_cfg, hasync_error_t *error)
{
	ike_sa_t *ike_sa = create(put->context->ike, peer_cfg, error);
	int elsewhere;

	if (!ike_sa)
	{
		return FALSE;
	}
	apply(ike_sa, put->context->ike);
	if (!hasync_import_new_children(ike_sa, put->context, &elsewhere, error))
	{
		ike_sa->destroy(ike_sa);
		charon->bus->set_sa(charon->bus, NULL);
		return FALSE;
	}
	if (elsewhere)
	{
		hasync_import_move_children(ike_sa, put->context);
		hasync_import_update_children(ike_sa, put->context);
	}
	/* timers find the IKE_SA only once the manager knows it */
	charon->ike_sa_manager->checkout_new(charon->ike_sa_manager, ike_sa);
	hasync_memory_of(ike_sa)->announced = TRUE;
	if (put->state == HASYNC__PROTO__SA_STATE__SA_STATE_ACTIVE)
	{
		hasync_activate(ike_sa, put->may_be_behind);
	}
	charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
	return TRUE;
}

/* The peer, or we, may have moved. CHILD_SAs keep their numbers. */
static void update_hosts(ike_sa_t *ike_sa, const Hasync__Proto__IkeSa *ike)
{
	host_t *local = hasync_to_host(ike->local), *remote = hasync_to_host(ike->remote);
	host_t *me = ike_sa->get_my_host(ike_sa), *other = ike_sa->get_other_host(ike_sa);

	if (!local->equals(local, me) || !remote->equals(remote, other))
	{
		ike_sa->update_hosts(ike_sa, local, remote, UPDATE_HOSTS_FORCE_ALL);
	}
	local->destroy(local);
	remote->destroy(remote);
}

/*
 * charon makes IVs of message IDs and refuses to make one twice. What this node has said as the active one
 * and nobody was told takes IDs that the context still has to give (RFC 7296, section 2.2).
 */
static bool renew_ciphers(ike_sa_t *ike_sa, hasync_error_t *error)
{
	return !hasync_memory_of(ike_sa)->answered_for || hasync_keymat_renew(ike_sa) ||
		   hasync_fail(error, UNSUPPORTED, "context.ike: an algorithm is not available in this charon");
}

/* The caller has checked out the passive IKE_SA. */
static bool update(ike_sa_t *ike_sa, const Hasync__Proto__Put *put, hasync_commit_t *commit,
				   hasync_error_t *error)
{
	int elsewhere;

	if (!renew_ciphers(ike_sa, error) || !hasync_import_new_children(ike_sa, put->context, &elsewhere, error))
	{
		return FALSE;
	}
	if (elsewhere)
	{
		hasync_import_move_children(ike_sa, put->context);
	}
	apply(ike_sa, put->context->ike);
	update_hosts(ike_sa, put->context->ike);
	hasync_import_update_children(ike_sa, put->context);
	hasync_commit_forget(commit, ike_sa->get_id(ike_sa));
	if (put->state == HASYNC__PROTO__SA_STATE__SA_STATE_ACTIVE)
	{
		hasync_activate(ike_sa, put->may_be_behind);
	}
	return TRUE;
}

bool hasync_import(const Hasync__Proto__Put *put, hasync_commit_t *commit, hasync_error_t *error)
{
	const Hasync__Proto__IkeSa *ike = put->context->ike;
	peer_cfg_t *peer_cfg = charon->backends->get_peer_cfg_by_name(charon->backends, ike->connection);
	ike_sa_t *existing;
	bool done;

	if (!peer_cfg)
	{
		return hasync_fail(error, NO_CONFIG, "context.ike.connection: no connection %s here",
						   ike->connection);
	}
	existing = hasync_checkout(ike->initiator_spi, ike->responder_spi);
	if (!hasync_import_has_configs(peer_cfg, put->context, error))
	{
		done = FALSE;
	}
	else if (!existing)
	{
		done = import_new(put, peer_cfg, error);
	}
	else if (existing->get_state(existing) != IKE_PASSIVE || !hasync_memory_of(existing))
	{
		done = hasync_fail(error, CONFLICT, "an active IKE_SA %s with these SPIs exists here",
						   existing->get_name(existing));
	}
	else
	{
		done = update(existing, put, commit, error);
	}
	if (existing)
	{
		charon->ike_sa_manager->checkin(charon->ike_sa_manager, existing);
	}
	peer_cfg->destroy(peer_cfg);
	return done;
}
