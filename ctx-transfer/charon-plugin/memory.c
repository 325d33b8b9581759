/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory.h"

#include "rekey.h"

static void child_destroy(hasync_child_t *this)
{
	chunk_clear(&this->encryption_in);
	chunk_clear(&this->encryption_out);
	chunk_clear(&this->integrity_in);
	chunk_clear(&this->integrity_out);
	DESTROY_IF(this->vpe.local);
	DESTROY_IF(this->vpe.remote);
	free(this);
}

static void clear_keys(hasync_ike_keys_t *keys)
{
	chunk_clear(&keys->d);
	chunk_clear(&keys->ai);
	chunk_clear(&keys->ar);
	chunk_clear(&keys->ei);
	chunk_clear(&keys->er);
}

hasync_memory_t *hasync_memory_create()
{
	hasync_memory_t *this;

	INIT(this, .children = array_create(0, 0), .imported_requests = array_create(0, 0),
		 .local_vips = linked_list_create());
	return this;
}

void hasync_memory_destroy(hasync_memory_t *this)
{
	clear_keys(&this->keys);
	array_destroy_function(this->children, (void *)child_destroy, NULL);
	hasync_sent_clear(&this->response);
	hasync_sent_clear(&this->request);
	hasync_sent_clear(&this->ids.sync);
	array_destroy_function(this->imported_requests, (void *)hasync_sent_destroy, NULL);
	hasync_drawn_clear(&this->drawn);
	if (this->begun)
	{
		hasync_rekey_destroy(this->begun);
	}
	chunk_free(&this->asked.nonce);
	chunk_free(&this->vpe.asking);
	chunk_free(&this->vpe.answer);
	chunk_free(&this->refused);
	chunk_free(&this->request_hash);
	chunk_free(&this->incoming_hash);
	chunk_free(&this->fragment_hash);
	DESTROY_IF(this->successor);
	DESTROY_IF(this->predecessor);
	this->local_vips->destroy_offset(this->local_vips, offsetof(host_t, destroy));
	free(this);
}

void hasync_memory_set_keys(hasync_memory_t *this, hasync_ike_keys_t *keys)
{
	clear_keys(&this->keys);
	this->keys.d = chunk_clone(keys->d);
	this->keys.ai = chunk_clone(keys->ai);
	this->keys.ar = chunk_clone(keys->ar);
	this->keys.ei = chunk_clone(keys->ei);
	this->keys.er = chunk_clone(keys->er);
	this->keys_known = TRUE;
}

static int index_of(hasync_memory_t *this, uint32_t inbound_spi)
{
	hasync_child_t *child;
	int i;

	for (i = 0; i < array_count(this->children); i++)
	{
		array_get(this->children, i, &child);
		if (child->inbound_spi == inbound_spi)
		{
			return i;
		}
	}
	return -1;
}

hasync_child_t *hasync_memory_find_child(hasync_memory_t *this, uint32_t inbound_spi)
{
	hasync_child_t *child;
	int i = index_of(this, inbound_spi);

	return i >= 0 && array_get(this->children, i, &child) ? child : NULL;
}

hasync_child_t *hasync_memory_add_child(hasync_memory_t *this, uint32_t inbound_spi)
{
	hasync_child_t *child;

	hasync_memory_forget_child(this, inbound_spi);
	INIT(child, .inbound_spi = inbound_spi);
	array_insert(this->children, ARRAY_TAIL, child);
	return child;
}

void hasync_memory_forget_child(hasync_memory_t *this, uint32_t inbound_spi)
{
	hasync_child_t *child;
	int i = index_of(this, inbound_spi);

	if (i >= 0 && array_remove(this->children, i, &child))
	{
		child_destroy(child);
	}
}

void hasync_memory_move_child(hasync_memory_t *this, hasync_memory_t *other, uint32_t inbound_spi)
{
	hasync_child_t *child;
	int i;

	while (array_count(this->children))
	{
		i = inbound_spi ? index_of(this, inbound_spi) : 0;
		if (i < 0 || !array_remove(this->children, i, &child))
		{
			return;
		}
		hasync_memory_forget_child(other, child->inbound_spi);
		array_insert(other->children, ARRAY_TAIL, child);
	}
}

static void free_packet(void *packet, int index, void *user)
{
	chunk_free((chunk_t *)packet);
}

void hasync_memory_forget_requests(hasync_memory_t *this)
{
	hasync_sent_t *sent;

	while (array_remove(this->imported_requests, ARRAY_TAIL, &sent))
	{
		hasync_sent_destroy(sent);
	}
}

void hasync_drawn_clear(hasync_drawn_t *this)
{
	chunk_clear(&this->private_value);
	chunk_free(&this->public_value);
}

void hasync_sent_clear(hasync_sent_t *this)
{
	if (this->rekey)
	{
		hasync_rekey_destroy(this->rekey);
		this->rekey = NULL;
	}
	this->resumed = FALSE;
	if (this->packets)
	{
		array_destroy_function(this->packets, free_packet, NULL);
		this->packets = NULL;
	}
	this->id = 0;
}

void hasync_sent_destroy(hasync_sent_t *this)
{
	hasync_sent_clear(this);
	free(this);
}

void hasync_sent_add(hasync_sent_t *this, chunk_t packet)
{
	packet = chunk_clone(packet);
	if (!this->packets)
	{
		this->packets = array_create(sizeof(chunk_t), 1);
	}
	array_insert(this->packets, ARRAY_TAIL, &packet);
}
