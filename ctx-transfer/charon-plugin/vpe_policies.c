/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vpe_policies.h"

typedef status_t (*manage_t)(kernel_interface_t *this, kernel_ipsec_policy_id_t *id,
							 kernel_ipsec_manage_policy_t *data);

/* By reqid alone: a rekeyed CHILD_SA has the same, so its policies are those of its predecessor. */
static ipsec_sa_cfg_t sa_of(child_sa_t *child_sa)
{
	enumerator_t *pairs = child_sa->create_policy_enumerator(child_sa);
	ipsec_sa_cfg_t sa = {
		.mode = MODE_TUNNEL,
		.reqid = child_sa->get_reqid(child_sa),
		.esp = {.use = TRUE},
	};
	traffic_selector_t *local, *remote;

	while (pairs->enumerate(pairs, &local, &remote))
	{
		sa.policy_count++;
	}
	pairs->destroy(pairs);
	return sa;
}

/* One direction. RFC 4301, section 4.4.1; the kernel asks FWD for what came in and goes on. */
static status_t manage_one(manage_t manage, policy_dir_t direction, host_t *source, host_t *destination,
						   traffic_selector_t *from, traffic_selector_t *to, child_sa_t *child_sa,
						   ipsec_sa_cfg_t *sa)
{
	child_cfg_t *config = child_sa->get_config(child_sa);
	bool inbound = direction != POLICY_OUT;
	kernel_ipsec_policy_id_t id = {
		.dir = direction,
		.src_ts = from,
		.dst_ts = to,
		.mark = child_sa->get_mark(child_sa, inbound),
		.if_id = child_sa->get_if_id(child_sa, inbound),
		.interface = inbound ? NULL : config->get_interface(config),
	};
	kernel_ipsec_manage_policy_t policy = {
		.type = POLICY_IPSEC,
		.prio = POLICY_PRIORITY_DEFAULT,
		.manual_prio = config->get_manual_prio(config),
		.src = source,
		.dst = destination,
		.sa = sa,
	};

	return manage(charon->kernel, &id, &policy);
}

static bool manage_all(manage_t manage, host_t *me, host_t *peer, child_sa_t *child_sa)
{
	ipsec_sa_cfg_t sa = sa_of(child_sa);
	enumerator_t *pairs = child_sa->create_policy_enumerator(child_sa);
	traffic_selector_t *local, *remote;
	status_t status = SUCCESS;

	while (pairs->enumerate(pairs, &local, &remote))
	{
		status |= manage_one(manage, POLICY_IN, peer, me, remote, local, child_sa, &sa);
		status |= manage_one(manage, POLICY_FWD, peer, me, remote, local, child_sa, &sa);
		status |= manage_one(manage, POLICY_OUT, me, peer, local, remote, child_sa, &sa);
	}
	pairs->destroy(pairs);
	return status == SUCCESS;
}

void hasync_vpe_policies_install(ike_sa_t *ike_sa, hasync_child_t *child, child_sa_t *child_sa)
{
	host_t *me = ike_sa->get_my_host(ike_sa), *peer = ike_sa->get_other_host(ike_sa);

	hasync_vpe_policies_remove(child, child_sa);
	child->vpe.local = me->clone(me);
	child->vpe.remote = peer->clone(peer);
	if (!manage_all(charon->kernel->add_policy, me, peer, child_sa))
	{
		DBG1(DBG_CHD, "hasync: policies of CHILD_SA %s could not be installed", child_sa->get_name(child_sa));
	}
}

void hasync_vpe_policies_remove(hasync_child_t *child, child_sa_t *child_sa)
{
	if (!child->vpe.local)
	{
		return;
	}
	manage_all(charon->kernel->del_policy, child->vpe.local, child->vpe.remote, child_sa);
	DESTROY_IF(child->vpe.local);
	DESTROY_IF(child->vpe.remote);
	child->vpe.local = child->vpe.remote = NULL;
}
