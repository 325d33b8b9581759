/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void hasync_chunk_destroy(chunk_t *chunk)
{
	chunk_clear(chunk);
	free(chunk);
}

hasync_client_t *hasync_client_create(uint64_t id, int fd)
{
	hasync_client_t *this;

	INIT(this, .id = id, .fd = fd, .requests = linked_list_create(), .queue = linked_list_create());
	hasync_frame_reader_init(&this->reader);
	return this;
}

void hasync_client_destroy(hasync_client_t *this)
{
	close(this->fd);
	hasync_frame_reader_clear(&this->reader);
	DESTROY_IF(this->vpe);
	this->requests->destroy_function(this->requests, (void *)hasync_chunk_destroy);
	this->queue->destroy_function(this->queue, (void *)hasync_chunk_destroy);
	free(this);
}

void hasync_client_push(hasync_client_t *this, chunk_t frame)
{
	chunk_t *entry;

	this->doomed |= this->backlog + frame.len > HASYNC_BACKLOG_MAX;
	if (this->doomed)
	{
		chunk_clear(&frame);
		return;
	}
	entry = malloc_thing(chunk_t);
	*entry = frame;
	this->queue->insert_last(this->queue, entry);
	this->backlog += frame.len;
}

void hasync_client_flush(hasync_client_t *this)
{
	chunk_t *first;
	ssize_t length;

	while (!this->doomed && this->queue->get_first(this->queue, (void **)&first) == SUCCESS)
	{
		length =
			send(this->fd, first->ptr + this->sent, first->len - this->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (length < 0)
		{
			this->doomed = errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
			return;
		}
		this->sent += length;
		this->backlog -= length;
		if (this->sent == first->len)
		{
			this->queue->remove_first(this->queue, (void **)&first);
			hasync_chunk_destroy(first);
			this->sent = 0;
		}
	}
}

bool hasync_client_cut(hasync_client_t *this, linked_list_t *requests)
{
	const uint8_t *content;
	size_t size;
	chunk_t *request;

	while (TRUE)
	{
		switch (hasync_frame_reader_next(&this->reader, &content, &size))
		{
			case HASYNC_FRAME_MORE:
				return TRUE;
			case HASYNC_FRAME_TOO_LARGE:
				return FALSE;
			case HASYNC_FRAME_COMPLETE:
				request = malloc_thing(chunk_t);
				*request = chunk_clone(chunk_create((u_char *)content, size));
				requests->insert_last(requests, request);
				break;
		}
	}
}
