/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared.h"

#include <encoding/payloads/notify_payload.h>
#include <threading/mutex.h>

struct hasync_shared_t
{
	mutex_t *mutex;
	linked_list_t *addresses; /* of address_t */
};

typedef struct
{
	chunk_t address;
	char *interface;
} address_t;

static void address_destroy(address_t *this)
{
	chunk_free(&this->address);
	free(this->interface);
	free(this);
}

void hasync_shared_set(hasync_shared_t *this, Hasync__Proto__SharedAddress **addresses, size_t count)
{
	linked_list_t *list = linked_list_create(), *before;
	address_t *one;
	size_t i;

	for (i = 0; i < count; i++)
	{
		INIT(one, .address = chunk_clone(chunk_create(addresses[i]->address.data, addresses[i]->address.len)),
			 .interface = strdup(addresses[i]->interface));
		list->insert_last(list, one);
	}
	this->mutex->lock(this->mutex);
	before = this->addresses;
	this->addresses = list;
	this->mutex->unlock(this->mutex);
	before->destroy_function(before, (void *)address_destroy);
}

/* The interface of a shared address; NULL: it is none. The lock is held. */
static const char *interface_of(hasync_shared_t *this, chunk_t address)
{
	enumerator_t *enumerator = this->addresses->create_enumerator(this->addresses);
	const char *interface = NULL;
	address_t *one;

	while (!interface && enumerator->enumerate(enumerator, &one))
	{
		interface = chunk_equals(address, one->address) ? one->interface : NULL;
	}
	enumerator->destroy(enumerator);
	return interface;
}

static bool is_additional(payload_t *payload)
{
	notify_type_t type;

	if (payload->get_type(payload) != PLV2_NOTIFY)
	{
		return FALSE;
	}
	type = ((notify_payload_t *)payload)->get_notify_type((notify_payload_t *)payload);
	return type == ADDITIONAL_IP4_ADDRESS || type == ADDITIONAL_IP6_ADDRESS;
}

static bool is_on(hasync_shared_t *this, payload_t *additional, const char *interface)
{
	notify_payload_t *notify = (notify_payload_t *)additional;
	const char *where = interface_of(this, notify->get_notification_data(notify));

	return where && streq(where, interface);
}

/* RFC 4555, section 3.6: an update replaces what was told before, even by nothing. */
static void keep_those_on(hasync_shared_t *this, message_t *message, const char *interface)
{
	enumerator_t *enumerator = message->create_payload_enumerator(message);
	payload_t *payload;
	int kept = 0, removed = 0;

	while (enumerator->enumerate(enumerator, &payload))
	{
		if (!is_additional(payload))
		{
			continue;
		}
		if (is_on(this, payload, interface))
		{
			kept++;
			continue;
		}
		message->remove_payload_at(message, enumerator);
		payload->destroy(payload);
		removed++;
	}
	enumerator->destroy(enumerator);
	if (removed && !kept)
	{
		message->add_notify(message, FALSE, NO_ADDITIONAL_ADDRESSES, chunk_empty);
	}
}

void hasync_shared_tell(hasync_shared_t *this, ike_sa_t *ike_sa, message_t *message)
{
	host_t *host = ike_sa->get_my_host(ike_sa);
	const char *interface;

	this->mutex->lock(this->mutex);
	interface = interface_of(this, host->get_address(host));
	if (interface)
	{
		keep_those_on(this, message, interface);
	}
	this->mutex->unlock(this->mutex);
}

hasync_shared_t *hasync_shared_create()
{
	hasync_shared_t *this;

	INIT(this, .mutex = mutex_create(MUTEX_TYPE_DEFAULT), .addresses = linked_list_create());
	return this;
}

void hasync_shared_destroy(hasync_shared_t *this)
{
	this->addresses->destroy_function(this->addresses, (void *)address_destroy);
	this->mutex->destroy(this->mutex);
	free(this);
}
