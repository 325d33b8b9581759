/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "import_child.h"

#include "convert.h"
#include "keymat.h"
#include "numbers.h"
#include "releases.h"

#define NO_CONFIG HASYNC__PROTO__ERROR_CODE__NO_CONFIG
#define CONFLICT HASYNC__PROTO__ERROR_CODE__CONFLICT
#define INSTALL_FAILED HASYNC__PROTO__ERROR_CODE__INSTALL_FAILED

/* Owned by the caller; NULL if there is none. */
static child_cfg_t *find_config(peer_cfg_t *peer_cfg, const char *name)
{
	enumerator_t *enumerator = peer_cfg->create_child_cfg_enumerator(peer_cfg);
	child_cfg_t *current, *found = NULL;

	while (!found && enumerator->enumerate(enumerator, &current))
	{
		if (streq(current->get_name(current), name))
		{
			found = current->get_ref(current);
		}
	}
	enumerator->destroy(enumerator);
	return found;
}

bool hasync_import_has_configs(peer_cfg_t *peer_cfg, const Hasync__Proto__Context *context,
							   hasync_error_t *error)
{
	child_cfg_t *config;
	size_t i;

	for (i = 0; i < context->n_children; i++)
	{
		config = find_config(peer_cfg, context->children[i]->name);
		if (!config)
		{
			return hasync_fail(error, NO_CONFIG,
							   "context.children[%zu].name: connection %s has no child %s here", i,
							   context->ike->connection, context->children[i]->name);
		}
		config->destroy(config);
	}
	return TRUE;
}

static child_sa_t *create_child(ike_sa_t *ike_sa, child_cfg_t *config, const Hasync__Proto__ChildSa *child)
{
	child_sa_create_t data = {
		.mark_in = child->mark_in ? child->mark_in->value : 0,
		.mark_out = child->mark_out ? child->mark_out->value : 0,
		.if_id_in = child->if_id_in,
		.if_id_out = child->if_id_out,
		.if_id_in_def = ike_sa->get_if_id(ike_sa, TRUE),
		.if_id_out_def = ike_sa->get_if_id(ike_sa, FALSE),
		.encap = child->udp_encapsulation,
	};
	child_sa_t *child_sa =
		child_sa_create(ike_sa->get_my_host(ike_sa), ike_sa->get_other_host(ike_sa), config, &data);
	proposal_t *proposal = hasync_to_child_proposal(child);

	child_sa->set_mode(child_sa, child->mode);
	child_sa->set_protocol(child_sa, hasync_to_protocol(child->protocol));
	child_sa->set_ipcomp(child_sa, child->ipcomp);
	child_sa->set_proposal(child_sa, proposal);
	child_sa->set_state(child_sa, CHILD_INSTALLING);
	proposal->destroy(proposal);
	return child_sa;
}

static linked_list_t *selectors(Hasync__Proto__TrafficSelector *const *list, size_t count)
{
	linked_list_t *selectors = linked_list_create();
	size_t i;

	for (i = 0; i < count; i++)
	{
		selectors->insert_last(selectors, hasync_to_selector(list[i]));
	}
	return selectors;
}

static void set_policies(child_sa_t *child_sa, const Hasync__Proto__ChildSa *child)
{
	linked_list_t *local = selectors(child->local_ts, child->n_local_ts);
	linked_list_t *remote = selectors(child->remote_ts, child->n_remote_ts);

	child_sa->set_policies(child_sa, local, remote);
	local->destroy_offset(local, offsetof(traffic_selector_t, destroy));
	remote->destroy_offset(remote, offsetof(traffic_selector_t, destroy));
}

/*
 * Where policies do not name their SPI (libipsec), a registered SA is in the backend only once the SA that it
 * replaces is gone, and counts from 0 then: it is installed here, where its numbers are set.
 */
static bool registers(const Hasync__Proto__ChildSa *child)
{
	return child->outbound_pending && (charon->kernel->get_features(charon->kernel) & KERNEL_POLICY_SPI);
}

static bool install_sas(child_sa_t *child_sa, const Hasync__Proto__ChildSa *child, bool initiator,
						hasync_error_t *error)
{
	chunk_t encryption_in = hasync_to_chunk(child->inbound_encryption_key);
	chunk_t integrity_in = hasync_to_chunk(child->inbound_integrity_key);
	chunk_t encryption_out = hasync_to_chunk(child->outbound_encryption_key);
	chunk_t integrity_out = hasync_to_chunk(child->outbound_integrity_key);
	uint32_t spi_in = htonl(child->inbound_spi), spi_out = htonl(child->outbound_spi);
	uint16_t cpi_in = htons(child->inbound_cpi), cpi_out = htons(child->outbound_cpi);
	status_t status;

	if (child_sa->install(child_sa, encryption_in, integrity_in, spi_in, cpi_in, initiator, TRUE, TRUE) !=
		SUCCESS)
	{
		return hasync_fail(error, INSTALL_FAILED, "inbound SA %08x of child %s: refused", child->inbound_spi,
						   child->name);
	}
	if (registers(child))
	{
		status = child_sa->register_outbound(child_sa, encryption_out, integrity_out, spi_out, cpi_out,
											 initiator, TRUE);
	}
	else
	{
		status = child_sa->install(child_sa, encryption_out, integrity_out, spi_out, cpi_out, initiator,
								   FALSE, TRUE);
	}
	return status == SUCCESS || hasync_fail(error, INSTALL_FAILED, "outbound SA %08x of child %s: refused",
											child->outbound_spi, child->name);
}

static void apply(ike_sa_t *ike_sa, child_sa_t *child_sa, hasync_child_t *known,
				  const Hasync__Proto__ChildSa *child)
{
	hasync_set_successor(ike_sa, child_sa, htonl(child->replaced_by_outbound_spi));
	child_sa->set_state(child_sa, child->installed ? CHILD_INSTALLED : CHILD_REKEYED);
	known->installed_at = max(1, time_monotonic(NULL) - child->installed_ago);
	known->rekey_at = hasync_to_time(child->rekey_in);
	known->delete_at = hasync_to_time(child->delete_in);
}

/*
 * Nothing can be sent on the outbound SA before its policy is there, and the numbers are set before that.
 */
static bool install_child(ike_sa_t *ike_sa, child_cfg_t *config, const Hasync__Proto__ChildSa *child,
						  hasync_error_t *error)
{
	hasync_memory_t *memory = hasync_memory_of(ike_sa);
	ike_sa_id_t *id = ike_sa->get_id(ike_sa);
	child_sa_t *child_sa = create_child(ike_sa, config, child);
	hasync_child_t *known;

	set_policies(child_sa, child);
	if (!install_sas(child_sa, child, id->is_initiator(id), error) ||
		!hasync_numbers_set(ike_sa, child_sa, child, error))
	{
		child_sa->destroy(child_sa);
		return FALSE;
	}
	if (child_sa->install_policies(child_sa) != SUCCESS)
	{
		child_sa->destroy(child_sa);
		return hasync_fail(error, INSTALL_FAILED, "policies of child %s: refused", child->name);
	}
	known = hasync_memory_add_child(memory, htonl(child->inbound_spi));
	known->encryption_in = chunk_clone(hasync_to_chunk(child->inbound_encryption_key));
	known->integrity_in = chunk_clone(hasync_to_chunk(child->inbound_integrity_key));
	known->encryption_out = chunk_clone(hasync_to_chunk(child->outbound_encryption_key));
	known->integrity_out = chunk_clone(hasync_to_chunk(child->outbound_integrity_key));
	known->vpe.port = child->vpe_port;
	known->vpe.of_cluster = TRUE;
	apply(ike_sa, child_sa, known, child);
	ike_sa->add_child_sa(ike_sa, child_sa);
	return TRUE;
}

static child_sa_t *find_child(ike_sa_t *ike_sa, const Hasync__Proto__ChildSa *child)
{
	return ike_sa->get_child_sa(ike_sa, hasync_to_protocol(child->protocol), htonl(child->inbound_spi), TRUE);
}

/*
 * The IKE_SA here, checked out, that has this CHILD_SA; NULL if none has. The bus then talks of that IKE_SA;
 * returning it sets the bus back to ours.
 */
static ike_sa_t *checkout_donor(ike_sa_t *ike_sa, const Hasync__Proto__ChildSa *child, child_sa_t **child_sa)
{
	ike_sa_t *donor;

	if (find_child(ike_sa, child))
	{
		return NULL;
	}
	donor =
		charon->child_sa_manager->checkout(charon->child_sa_manager, hasync_to_protocol(child->protocol),
										   htonl(child->inbound_spi), ike_sa->get_my_host(ike_sa), child_sa);
	if (!donor)
	{
		charon->bus->set_sa(charon->bus, ike_sa);
	}
	return donor;
}

static void return_donor(ike_sa_t *donor, ike_sa_t *ike_sa)
{
	charon->ike_sa_manager->checkin(charon->ike_sa_manager, donor);
	charon->bus->set_sa(charon->bus, ike_sa);
}

/* TRUE if another passive IKE_SA has it; an active one is a conflict. */
static bool is_elsewhere(ike_sa_t *ike_sa, const Hasync__Proto__ChildSa *child, bool *conflict,
						 hasync_error_t *error)
{
	child_sa_t *child_sa;
	ike_sa_t *donor = checkout_donor(ike_sa, child, &child_sa);

	*conflict = FALSE;
	if (!donor)
	{
		return FALSE;
	}
	if (donor->get_state(donor) != IKE_PASSIVE || !hasync_memory_of(donor))
	{
		*conflict = TRUE;
		hasync_fail(error, CONFLICT, "CHILD_SA %08x belongs to an active IKE_SA here", child->inbound_spi);
	}
	return_donor(donor, ike_sa);
	return TRUE;
}

/* Removes what was installed of the first `count`. */
static void undo(ike_sa_t *ike_sa, const Hasync__Proto__Context *context, const bool *installed, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
	{
		if (installed[i])
		{
			ike_sa->destroy_child_sa(ike_sa, hasync_to_protocol(context->children[i]->protocol),
									 htonl(context->children[i]->inbound_spi));
		}
	}
}

static bool import_new_child(ike_sa_t *ike_sa, const Hasync__Proto__ChildSa *child, bool *installed,
							 int *elsewhere, hasync_error_t *error)
{
	child_cfg_t *config;
	bool conflict;

	*installed = FALSE;
	if (find_child(ike_sa, child))
	{
		return TRUE;
	}
	if (is_elsewhere(ike_sa, child, &conflict, error))
	{
		(*elsewhere)++;
		return !conflict;
	}
	config = find_config(ike_sa->get_peer_cfg(ike_sa), child->name);
	if (!config)
	{
		return hasync_fail(error, NO_CONFIG, "no child %s here", child->name);
	}
	*installed = install_child(ike_sa, config, child, error);
	config->destroy(config);
	return *installed;
}

bool hasync_import_new_children(ike_sa_t *ike_sa, const Hasync__Proto__Context *context, int *elsewhere,
								hasync_error_t *error)
{
	bool installed[context->n_children + 1];
	size_t i;

	*elsewhere = 0;
	for (i = 0; i < context->n_children; i++)
	{
		if (!import_new_child(ike_sa, context->children[i], &installed[i], elsewhere, error))
		{
			undo(ike_sa, context, installed, i);
			return FALSE;
		}
	}
	return TRUE;
}

/* FALSE if the donor does not have it after all. */
static bool take_child(ike_sa_t *donor, child_sa_t *wanted, ike_sa_t *ike_sa)
{
	enumerator_t *enumerator = donor->create_child_sa_enumerator(donor);
	child_sa_t *current;
	bool found = FALSE;

	while (!found && enumerator->enumerate(enumerator, &current))
	{
		if (current == wanted)
		{
			donor->remove_child_sa(donor, enumerator);
			found = TRUE;
		}
	}
	enumerator->destroy(enumerator);
	if (found)
	{
		hasync_memory_move_child(hasync_memory_of(donor), hasync_memory_of(ike_sa),
								 wanted->get_spi(wanted, TRUE));
	}
	return found;
}

void hasync_import_move_children(ike_sa_t *ike_sa, const Hasync__Proto__Context *context)
{
	child_sa_t *child_sa;
	ike_sa_t *donor;
	size_t i;
	bool taken;

	for (i = 0; i < context->n_children; i++)
	{
		donor = checkout_donor(ike_sa, context->children[i], &child_sa);
		if (donor)
		{
			taken = take_child(donor, child_sa, ike_sa);
			return_donor(donor, ike_sa);
			if (taken)
			{
				ike_sa->add_child_sa(ike_sa, child_sa);
			}
		}
	}
}

static bool is_listed(const Hasync__Proto__Context *context, child_sa_t *child_sa)
{
	size_t i;

	for (i = 0; i < context->n_children; i++)
	{
		const Hasync__Proto__ChildSa *child = context->children[i];

		if (htonl(child->inbound_spi) == child_sa->get_spi(child_sa, TRUE) &&
			hasync_to_protocol(child->protocol) == child_sa->get_protocol(child_sa))
		{
			return TRUE;
		}
	}
	return FALSE;
}

static void remove_unlisted(ike_sa_t *ike_sa, const Hasync__Proto__Context *context)
{
	enumerator_t *enumerator = ike_sa->create_child_sa_enumerator(ike_sa);
	child_sa_t *child_sa;

	while (enumerator->enumerate(enumerator, &child_sa))
	{
		if (!is_listed(context, child_sa))
		{
			ike_sa->remove_child_sa(ike_sa, enumerator);
			child_sa->destroy(child_sa);
		}
	}
	enumerator->destroy(enumerator);
}

void hasync_import_update_children(ike_sa_t *ike_sa, const Hasync__Proto__Context *context)
{
	hasync_memory_t *memory = hasync_memory_of(ike_sa);
	hasync_child_t *known;
	child_sa_t *child_sa;
	size_t i;

	for (i = 0; i < context->n_children; i++)
	{
		child_sa = find_child(ike_sa, context->children[i]);
		known = child_sa ? hasync_memory_find_child(memory, child_sa->get_spi(child_sa, TRUE)) : NULL;
		if (!known)
		{
			continue;
		}
		/* the SA that it replaces is deleted now: its own policies take over */
		if (!context->children[i]->outbound_pending &&
			(child_sa->get_outbound_state(child_sa) & CHILD_OUTBOUND_REGISTERED) &&
			child_sa->install_outbound(child_sa) != SUCCESS)
		{
			DBG1(DBG_CHD, "hasync: outbound SA of %s could not be installed", child_sa->get_name(child_sa));
		}
		apply(ike_sa, child_sa, known, context->children[i]);
	}
	remove_unlisted(ike_sa, context);
}
