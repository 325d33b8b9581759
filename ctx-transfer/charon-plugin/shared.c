/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared.h"

#include "held.h"

#include <collections/hashtable.h>
#include <encoding/payloads/notify_payload.h>
#include <threading/mutex.h>

struct hasync_shared_t
{
	mutex_t *mutex;
	linked_list_t *addresses; /* of address_t; none: nobody has said */
	hashtable_t *staying;     /* hasync_spis_t* -> staying_t*: IKE_SAs on one of them */
};

typedef struct
{
	chunk_t address;
	char *interface;
} address_t;

typedef struct
{
	hasync_spis_t spis;
	char *interface; /* that this address is on */
} staying_t;

static void staying_destroy(staying_t *this)
{
	free(this->interface);
	free(this);
}

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

static notify_type_t notify_of(payload_t *payload)
{
	notify_payload_t *notify = (notify_payload_t *)payload;

	return payload->get_type(payload) == PLV2_NOTIFY ? notify->get_notify_type(notify) : 0;
}

static bool is_additional(notify_type_t type)
{
	return type == ADDITIONAL_IP4_ADDRESS || type == ADDITIONAL_IP6_ADDRESS ||
		   type == NO_ADDITIONAL_ADDRESSES;
}

static bool is_update(notify_type_t type)
{
	return type == UPDATE_SA_ADDRESSES;
}

/* FALSE: there was none. */
static bool take_out(message_t *message, bool (*which)(notify_type_t type))
{
	enumerator_t *enumerator = message->create_payload_enumerator(message);
	payload_t *payload;
	bool found = FALSE;

	while (enumerator->enumerate(enumerator, &payload))
	{
		if (which(notify_of(payload)))
		{
			message->remove_payload_at(message, enumerator);
			payload->destroy(payload);
			found = TRUE;
		}
	}
	enumerator->destroy(enumerator);
	return found;
}

/* RFC 4555, section 3.6: a list replaces what was told before, even by nothing. */
static void tell(hasync_shared_t *this, message_t *message, chunk_t own, const char *interface)
{
	enumerator_t *enumerator = this->addresses->create_enumerator(this->addresses);
	address_t *one;
	int told = 0;

	while (enumerator->enumerate(enumerator, &one))
	{
		if (interface && streq(one->interface, interface) && !chunk_equals(one->address, own))
		{
			message->add_notify(message, FALSE,
								one->address.len == 4 ? ADDITIONAL_IP4_ADDRESS : ADDITIONAL_IP6_ADDRESS,
								one->address);
			told++;
		}
	}
	enumerator->destroy(enumerator);
	if (!told)
	{
		message->add_notify(message, FALSE, NO_ADDITIONAL_ADDRESSES, chunk_empty);
	}
}

/* `interface`: NULL: it is on no shared address. The lock is held. */
static void remember(hasync_shared_t *this, ike_sa_id_t *id, const char *interface)
{
	hasync_spis_t spis = hasync_spis_of(id);
	staying_t *known = this->staying->get(this->staying, &spis);

	if (known && !(interface && streq(interface, known->interface)))
	{
		this->staying->remove(this->staying, &spis);
		staying_destroy(known);
		known = NULL;
	}
	if (interface && !known)
	{
		INIT(known, .spis = spis, .interface = strdup(interface));
		this->staying->put(this->staying, &known->spis, known);
	}
}

/* Whether an address is a shared one on this interface. The lock is held. */
static bool is_on(hasync_shared_t *this, host_t *host, const char *interface)
{
	const char *its = interface_of(this, host->get_address(host));

	return its && streq(its, interface);
}

void hasync_shared_sent(hasync_shared_t *this, ike_sa_t *ike_sa, message_t *message)
{
	host_t *host = ike_sa->get_my_host(ike_sa);
	chunk_t own = host->get_address(host);
	const char *interface;

	this->mutex->lock(this->mutex);
	interface = interface_of(this, own);
	if (message->get_exchange_type(message) != IKE_SA_INIT)
	{
		remember(this, ike_sa->get_id(ike_sa), interface);
	}
	if ((interface || !this->addresses->get_count(this->addresses)) && take_out(message, is_additional))
	{
		tell(this, message, own, interface);
	}
	this->mutex->unlock(this->mutex);
}

bool hasync_shared_received(hasync_shared_t *this, ike_sa_t *ike_sa, message_t *message)
{
	host_t *own = ike_sa->get_my_host(ike_sa), *asked = message->get_destination(message);
	const char *interface;
	bool refused;

	this->mutex->lock(this->mutex);
	interface = interface_of(this, own->get_address(own));
	refused = interface && !is_on(this, asked, interface) && take_out(message, is_update);
	this->mutex->unlock(this->mutex);
	if (refused)
	{
		DBG1(DBG_IKE, "hasync: the peer is not followed from %H to %H, where no other node takes it over",
			 own, asked);
	}
	return refused;
}

bool hasync_shared_may_send(hasync_shared_t *this, packet_t *packet)
{
	host_t *source = packet->get_source(packet);
	hasync_spis_t spis;
	staying_t *known;
	bool may;

	if (!hasync_spis_of_packet(packet, &spis) || source->is_anyaddr(source))
	{
		return TRUE;
	}
	this->mutex->lock(this->mutex);
	known = this->staying->get(this->staying, &spis);
	may = !known || is_on(this, source, known->interface);
	this->mutex->unlock(this->mutex);
	return may;
}

void hasync_shared_forget(hasync_shared_t *this, ike_sa_id_t *id)
{
	this->mutex->lock(this->mutex);
	remember(this, id, NULL);
	this->mutex->unlock(this->mutex);
}

hasync_shared_t *hasync_shared_create()
{
	hasync_shared_t *this;

	INIT(this, .mutex = mutex_create(MUTEX_TYPE_DEFAULT), .addresses = linked_list_create(),
		 .staying =
			 hashtable_create((hashtable_hash_t)hasync_spis_hash, (hashtable_equals_t)hasync_spis_equal, 64));
	return this;
}

static void forget_all(hasync_shared_t *this)
{
	enumerator_t *enumerator = this->staying->create_enumerator(this->staying);
	hasync_spis_t *spis;
	staying_t *known;

	while (enumerator->enumerate(enumerator, &spis, &known))
	{
		staying_destroy(known);
	}
	enumerator->destroy(enumerator);
	this->staying->destroy(this->staying);
}

void hasync_shared_destroy(hasync_shared_t *this)
{
	forget_all(this);
	this->addresses->destroy_function(this->addresses, (void *)address_destroy);
	this->mutex->destroy(this->mutex);
	free(this);
}
