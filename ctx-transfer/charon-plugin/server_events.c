/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server_private.h"

static void send_event(hasync_server_t *this, hasync_client_t *client, Hasync__Proto__Event *event)
{
	Hasync__Proto__FromPlugin message = HASYNC__PROTO__FROM_PLUGIN__INIT;

	message.message_case = HASYNC__PROTO__FROM_PLUGIN__MESSAGE_EVENT;
	message.event = event;
	event->number = ++client->event_number;
	hasync_server_send(this, client, hasync_server_frame(&message));
}

uint64_t hasync_server_event(hasync_server_t *this, uint64_t id, Hasync__Proto__Event *event)
{
	enumerator_t *enumerator;
	hasync_client_t *client;
	uint64_t number = 0;

	this->mutex->lock(this->mutex);
	enumerator = this->clients->create_enumerator(this->clients);
	while (enumerator->enumerate(enumerator, &client))
	{
		if (client->subscribed && (!id || client->id == id))
		{
			send_event(this, client, event);
			number = client->commits ? event->number : number;
		}
	}
	enumerator->destroy(enumerator);
	this->mutex->unlock(this->mutex);
	return number;
}

bool hasync_server_subscribe(hasync_server_t *this, uint64_t id, bool commits)
{
	enumerator_t *enumerator;
	hasync_client_t *client, *other;

	this->mutex->lock(this->mutex);
	client = hasync_server_find(this, id);
	if (client)
	{
		this->subscribers += client->subscribed ? 0 : 1;
		client->subscribed = TRUE;
		enumerator = this->clients->create_enumerator(this->clients);
		while (enumerator->enumerate(enumerator, &other))
		{
			other->commits = commits ? other == client : other->commits && other != client;
		}
		enumerator->destroy(enumerator);
	}
	this->mutex->unlock(this->mutex);
	return client != NULL;
}

bool hasync_server_has_subscribers(hasync_server_t *this)
{
	bool any;

	this->mutex->lock(this->mutex);
	any = this->subscribers != 0;
	this->mutex->unlock(this->mutex);
	return any;
}

/* The lock is held. */
static hasync_client_t *find_vpe(hasync_server_t *this)
{
	enumerator_t *enumerator = this->clients->create_enumerator(this->clients);
	hasync_client_t *client, *found = NULL;

	while (!found && enumerator->enumerate(enumerator, &client))
	{
		found = client->vpe && !client->doomed ? client : NULL;
	}
	enumerator->destroy(enumerator);
	return found;
}

bool hasync_server_offer_vpe(hasync_server_t *this, uint64_t id, host_t *host, bool renews)
{
	hasync_client_t *client, *other;
	bool taken;

	this->mutex->lock(this->mutex);
	client = hasync_server_find(this, id);
	other = find_vpe(this);
	taken = client && (!other || other == client);
	if (taken)
	{
		DESTROY_IF(client->vpe);
		client->vpe = host->clone(host);
		client->vpe_renews = renews;
	}
	this->mutex->unlock(this->mutex);
	return taken;
}

bool hasync_server_vpe_renews(hasync_server_t *this, uint64_t id)
{
	hasync_client_t *client;
	bool renews;

	this->mutex->lock(this->mutex);
	client = hasync_server_find(this, id);
	renews = client && client->vpe_renews;
	this->mutex->unlock(this->mutex);
	return renews;
}

uint64_t hasync_server_vpe_client(hasync_server_t *this, host_t **host)
{
	hasync_client_t *client;
	uint64_t id;

	this->mutex->lock(this->mutex);
	client = find_vpe(this);
	id = client ? client->id : 0;
	if (client && host)
	{
		*host = client->vpe->clone(client->vpe);
	}
	this->mutex->unlock(this->mutex);
	return id;
}

uint64_t hasync_server_session(hasync_server_t *this, uint64_t id)
{
	return this->sessions + id ?: 1;
}

bool hasync_server_has_cluster(hasync_server_t *this)
{
	enumerator_t *enumerator;
	hasync_client_t *client;
	bool any = FALSE;

	this->mutex->lock(this->mutex);
	enumerator = this->clients->create_enumerator(this->clients);
	while (!any && enumerator->enumerate(enumerator, &client))
	{
		any = client->subscribed && client->commits;
	}
	enumerator->destroy(enumerator);
	this->mutex->unlock(this->mutex);
	return any;
}

void hasync_server_tell_session(hasync_server_t *this, uint64_t id)
{
	Hasync__Proto__VpeBegun begun = HASYNC__PROTO__VPE_BEGUN__INIT;
	Hasync__Proto__Event event = HASYNC__PROTO__EVENT__INIT;
	uint64_t client = hasync_server_vpe_client(this, NULL);

	begun.session = client ? hasync_server_session(this, client) : 0;
	event.event_case = HASYNC__PROTO__EVENT__EVENT_VPE_BEGUN;
	event.vpe_begun = &begun;
	hasync_server_event(this, id, &event);
}

void hasync_server_vpe_event(hasync_server_t *this, uint64_t id, Hasync__Proto__Event *event)
{
	hasync_client_t *client;

	this->mutex->lock(this->mutex);
	client = find_vpe(this);
	if (client && client->id == id)
	{
		send_event(this, client, event);
	}
	this->mutex->unlock(this->mutex);
}
