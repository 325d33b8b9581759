/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "listener.h"

#include "export.h"
#include "keymat.h"
#include "message_ids.h"
#include "messages.h"
#include "vpe.h"
#include "vpe_fresh.h"

typedef struct
{
	hasync_listener_t public;
	hasync_reporter_t *reporter;
	hasync_server_t *server;
	hasync_shared_t *shared;
} private_listener_t;

METHOD(listener_t, ike_derived_keys, bool, private_listener_t *this, ike_sa_t *ike_sa, chunk_t sk_d,
	   chunk_t sk_ai, chunk_t sk_ar, chunk_t sk_ei, chunk_t sk_er, chunk_t sk_pi, chunk_t sk_pr)
{
	hasync_memory_t *memory = hasync_memory_deriving();
	hasync_ike_keys_t keys = {.d = sk_d, .ai = sk_ai, .ar = sk_ar, .ei = sk_ei, .er = sk_er};

	if (memory)
	{
		hasync_memory_set_keys(memory, &keys);
	}
	return TRUE;
}

METHOD(listener_t, child_derived_keys, bool, private_listener_t *this, ike_sa_t *ike_sa, child_sa_t *child_sa,
	   bool initiator, chunk_t encr_i, chunk_t encr_r, chunk_t integ_i, chunk_t integ_r)
{
	hasync_memory_t *memory = ike_sa ? hasync_memory_of(ike_sa) : NULL;
	hasync_child_t *child;

	if (memory)
	{
		child = hasync_memory_add_child(memory, child_sa->get_spi(child_sa, TRUE));
		/* RFC 7296, section 2.17: "initiator" of the exchange that made this CHILD_SA; its keys are for what
		 * it sends */
		child->encryption_out = chunk_clone(initiator ? encr_i : encr_r);
		child->encryption_in = chunk_clone(initiator ? encr_r : encr_i);
		child->integrity_out = chunk_clone(initiator ? integ_i : integ_r);
		child->integrity_in = chunk_clone(initiator ? integ_r : integ_i);
		hasync_vpe_derived(this->server, ike_sa, memory, child, child_sa, initiator);
	}
	return TRUE;
}

static void stay_on_shared(private_listener_t *this, ike_sa_t *ike_sa, hasync_memory_t *memory,
						   message_t *message, bool incoming)
{
	bool request = message->get_request(message);

	if (!incoming)
	{
		hasync_shared_sent(this->shared, ike_sa, message);
		if (memory && memory->not_followed && !request)
		{
			message->add_notify(message, FALSE, UNACCEPTABLE_ADDRESSES, chunk_empty);
			memory->not_followed = FALSE;
		}
	}
	else if (memory && request)
	{
		memory->not_followed = hasync_shared_received(this->shared, ike_sa, message);
	}
}

/* charon takes an IKE_SA_INIT response with the SPIs and the ID that it waits for, encrypted or not, and ends
 * the IKE_SA since it is not what it waits for. */
static bool is_unencrypted(ike_sa_t *ike_sa, message_t *message)
{
	exchange_type_t type = message->get_exchange_type(message);

	return hasync_is_established(ike_sa) && !message->get_request(message) &&
		   (type == IKE_SA_INIT || type == IKE_AUTH);
}

/* Message IDs are being agreed: what the peer asks now it gives up. */
static bool is_given_up(hasync_memory_t *memory, message_t *message)
{
	return message->get_request(message) && hasync_message_ids_are_pending(memory) &&
		   !hasync_message_ids_is_sync(message);
}

/* An incoming message, in plain. charon then ignores it. */
static void ignore(message_t *message)
{
	message->set_exchange_type(message, EXCHANGE_TYPE_UNDEFINED);
}

METHOD(listener_t, message, bool, private_listener_t *this, ike_sa_t *ike_sa, message_t *message,
	   bool incoming, bool plain)
{
	hasync_memory_t *memory = ike_sa ? hasync_memory_of(ike_sa) : NULL;
	ike_sa_id_t *id = message->get_ike_sa_id(message);
	bool changed;

	/* a rekey that has lost against the peer's is deleted while charon is at work on the old IKE_SA */
	if (memory && !incoming && id && !id->equals(id, ike_sa->get_id(ike_sa)))
	{
		return TRUE;
	}
	if (memory && plain && incoming && (is_unencrypted(ike_sa, message) || is_given_up(memory, message)))
	{
		ignore(message);
		return TRUE;
	}
	if (memory && plain && hasync_message_ids_is_sync(message))
	{
		changed = incoming && hasync_message_ids_answered(ike_sa, memory, message);
		if (changed)
		{
			ignore(message);
			hasync_reporter_changed(this->reporter, ike_sa);
		}
		return TRUE;
	}
	if (ike_sa && plain)
	{
		stay_on_shared(this, ike_sa, memory, message, incoming);
	}
	if (memory && plain)
	{
		hasync_message_ids_negotiate(ike_sa, message, incoming);
		hasync_vpe_negotiate(this->server, ike_sa, memory, message, incoming);
		hasync_vpe_fresh_message(this->server, ike_sa, memory, message, incoming);
	}
	if (memory)
	{
		changed = incoming ? hasync_message_received(ike_sa, memory, message, plain)
						   : hasync_message_sent(memory, message, plain);
		if (changed)
		{
			hasync_reporter_changed(this->reporter, ike_sa);
		}
	}
	if (memory && !plain && !incoming)
	{
		hasync_vpe_settle(this->server, ike_sa, memory, FALSE);
	}
	return TRUE;
}

METHOD(listener_t, ike_state_change, bool, private_listener_t *this, ike_sa_t *ike_sa, ike_sa_state_t state)
{
	if (state == IKE_DESTROYING)
	{
		hasync_reporter_gone(this->reporter, ike_sa);
		hasync_shared_forget(this->shared, ike_sa->get_id(ike_sa));
	}
	else if (state == IKE_PASSIVE)
	{
		hasync_reporter_passive(this->reporter, ike_sa);
	}
	return TRUE;
}

METHOD(listener_t, alert, bool, private_listener_t *this, ike_sa_t *ike_sa, alert_t alert, va_list args)
{
	if (alert == ALERT_SHUTDOWN_SIGNAL)
	{
		hasync_reporter_close(this->reporter);
	}
	else if (alert == ALERT_RETRANSMIT_SEND && ike_sa)
	{
		(void)va_arg(args, packet_t *);
		hasync_messages_charon_repeats(ike_sa, va_arg(args, uint32_t));
	}
	return TRUE;
}

METHOD(listener_t, child_state_change, bool, private_listener_t *this, ike_sa_t *ike_sa, child_sa_t *child_sa,
	   child_sa_state_t state)
{
	hasync_memory_t *memory = ike_sa ? hasync_memory_of(ike_sa) : NULL;

	if (memory)
	{
		hasync_vpe_child_state(this->server, ike_sa, memory, child_sa, state);
	}
	if (memory && state == CHILD_DESTROYING)
	{
		hasync_memory_forget_child(memory, child_sa->get_spi(child_sa, TRUE));
		hasync_reporter_changed(this->reporter, ike_sa);
	}
	return TRUE;
}

METHOD(listener_t, ike_updown, bool, private_listener_t *this, ike_sa_t *ike_sa, bool up)
{
	if (up)
	{
		hasync_reporter_changed(this->reporter, ike_sa);
	}
	return TRUE;
}

METHOD(listener_t, ike_rekey, bool, private_listener_t *this, ike_sa_t *old, ike_sa_t *new)
{
	hasync_memory_t *before = hasync_memory_of(old), *after = hasync_memory_of(new);
	ike_sa_id_t *old_id = old->get_id(old), *new_id = new->get_id(new);

	if (after)
	{
		DESTROY_IF(after->predecessor);
		after->predecessor = old_id->clone(old_id);
	}
	if (before && after)
	{
		hasync_memory_move_child(before, after, 0);
		DESTROY_IF(before->successor);
		before->successor = new_id->clone(new_id);
	}
	hasync_reporter_changed(this->reporter, new);
	return TRUE;
}

METHOD(listener_t, ike_update, bool, private_listener_t *this, ike_sa_t *ike_sa, host_t *local,
	   host_t *remote)
{
	hasync_reporter_changed(this->reporter, ike_sa);
	return TRUE;
}

METHOD(listener_t, child_updown, bool, private_listener_t *this, ike_sa_t *ike_sa, child_sa_t *child_sa,
	   bool up)
{
	hasync_reporter_changed(this->reporter, ike_sa);
	return TRUE;
}

METHOD(listener_t, child_rekey, bool, private_listener_t *this, ike_sa_t *ike_sa, child_sa_t *old,
	   child_sa_t *new)
{
	hasync_reporter_changed(this->reporter, ike_sa);
	return TRUE;
}

METHOD(listener_t, assign_vips, bool, private_listener_t *this, ike_sa_t *ike_sa, bool assign)
{
	hasync_reporter_changed(this->reporter, ike_sa);
	return TRUE;
}

hasync_listener_t *hasync_listener_create(hasync_reporter_t *reporter, hasync_server_t *server,
										  hasync_shared_t *shared)
{
	private_listener_t *this;

	/* clang-format off */
	INIT(this,
		.public = {
			.listener = {
				.alert = _alert,
				.message = _message,
				.ike_state_change = _ike_state_change,
				.child_state_change = _child_state_change,
				.ike_derived_keys = _ike_derived_keys,
				.child_derived_keys = _child_derived_keys,
				.ike_updown = _ike_updown,
				.ike_rekey = _ike_rekey,
				.ike_update = _ike_update,
				.child_updown = _child_updown,
				.child_rekey = _child_rekey,
				.assign_vips = _assign_vips,
			},
		},
		.reporter = reporter,
		.server = server,
		.shared = shared,
	);
	/* clang-format on */
	return &this->public;
}

void hasync_listener_destroy(hasync_listener_t *this)
{
	free(this);
}
