/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server.h"

#include "listen.h"
#include "server_private.h"

#include <errno.h>
#include <poll.h>
#include <processing/jobs/callback_job.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 16

/* What a job needs to find the client again, which may be gone by then. */
typedef struct
{
	hasync_server_t *server;
	uint64_t client;
} work_t;

static void wake(hasync_server_t *this)
{
	uint64_t one = 1;

	if (write(this->wake, &one, sizeof(one)) < 0)
	{
		/* its counter is full: the thread wakes anyway */
	}
}

hasync_client_t *hasync_server_find(hasync_server_t *this, uint64_t id)
{
	enumerator_t *enumerator = this->clients->create_enumerator(this->clients);
	hasync_client_t *client, *found = NULL;

	while (!found && enumerator->enumerate(enumerator, &client))
	{
		found = client->id == id ? client : NULL;
	}
	enumerator->destroy(enumerator);
	return found;
}

/* The next request of a client, or NULL after having marked it idle. */
static chunk_t *next_request(hasync_server_t *this, uint64_t id)
{
	hasync_client_t *client;
	chunk_t *request = NULL;

	this->mutex->lock(this->mutex);
	client = hasync_server_find(this, id);
	if (client)
	{
		client->requests->remove_first(client->requests, (void **)&request);
		client->handling = request != NULL;
		this->counters.requests += request ? 1 : 0;
	}
	this->mutex->unlock(this->mutex);
	return request;
}

static job_requeue_t handle_requests(work_t *work)
{
	chunk_t *request;

	while ((request = next_request(work->server, work->client)))
	{
		work->server->handler(work->server->user, work->client, *request);
		hasync_chunk_destroy(request);
	}
	/* the thread may have stopped reading because too many were waiting */
	wake(work->server);
	return JOB_REQUEUE_NONE;
}

/* Has the client's requests handled unless that is under way. The lock is held. */
static void start_handling(hasync_server_t *this, hasync_client_t *client)
{
	work_t *work;

	if (client->handling || !client->requests->get_count(client->requests))
	{
		return;
	}
	client->handling = TRUE;
	INIT(work, .server = this, .client = client->id);
	lib->processor->queue_job(lib->processor,
							  (job_t *)callback_job_create_with_prio((callback_job_cb_t)handle_requests, work,
																	 free, NULL, JOB_PRIO_HIGH));
}

static void take_client(hasync_server_t *this)
{
	int fd = accept4(this->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
	{
		return;
	}
	if (this->clients->get_count(this->clients) >= CLIENTS_MAX)
	{
		DBG1(DBG_CFG, "hasync: more than %d clients, one refused", CLIENTS_MAX);
		close(fd);
		return;
	}
	this->mutex->lock(this->mutex);
	this->clients->insert_last(this->clients, hasync_client_create(++this->last_id, fd));
	this->mutex->unlock(this->mutex);
}

/* Carries out what need not stand in line. Not under the lock: it replies. */
static void take_urgent(hasync_server_t *this, hasync_client_t *client, linked_list_t *arrived)
{
	enumerator_t *enumerator = arrived->create_enumerator(arrived);
	chunk_t *request;

	while (enumerator->enumerate(enumerator, &request))
	{
		if (this->urgent(this->user, client->id, *request))
		{
			arrived->remove_at(arrived, enumerator);
			hasync_chunk_destroy(request);
		}
	}
	enumerator->destroy(enumerator);
}

/* Reads what is there. FALSE if the client is to be closed. */
static bool read_client(hasync_server_t *this, hasync_client_t *client)
{
	size_t room;
	uint8_t *bytes = hasync_frame_reader_room(&client->reader, &room);
	ssize_t length = bytes ? recv(client->fd, bytes, room, MSG_DONTWAIT) : 0;
	linked_list_t *arrived;
	chunk_t *request;
	bool understood;

	if (length < 0)
	{
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
	}
	if (length == 0)
	{
		if (hasync_frame_reader_pending(&client->reader))
		{
			this->counters.bad_frames++;
			DBG1(DBG_CFG, "hasync: client %llu went away within a frame", client->id);
		}
		return FALSE;
	}
	arrived = linked_list_create();
	hasync_frame_reader_filled(&client->reader, length);
	understood = hasync_client_cut(client, arrived);
	take_urgent(this, client, arrived);
	this->mutex->lock(this->mutex);
	while (arrived->remove_first(arrived, (void **)&request) == SUCCESS)
	{
		client->requests->insert_last(client->requests, request);
	}
	start_handling(this, client);
	this->mutex->unlock(this->mutex);
	arrived->destroy(arrived);
	if (!understood)
	{
		this->counters.bad_frames++;
		DBG1(DBG_CFG, "hasync: frame of client %llu is larger than %d bytes, client closed", client->id,
			 HASYNC_FRAME_MAX);
	}
	return understood;
}

static void close_client(hasync_server_t *this, hasync_client_t *client)
{
	bool received_vpe;

	this->mutex->lock(this->mutex);
	this->clients->remove(this->clients, client, NULL);
	this->subscribers -= client->subscribed ? 1 : 0;
	received_vpe = client->vpe != NULL;
	this->mutex->unlock(this->mutex);
	hasync_client_destroy(client);
	if (received_vpe)
	{
		hasync_server_tell_session(this, 0);
	}
}

/* What to wait for; returns the number of clients, which the server's thread alone adds and removes. */
static int collect(hasync_server_t *this, struct pollfd *fds, hasync_client_t **clients)
{
	enumerator_t *enumerator;
	hasync_client_t *client;
	int count = 0;

	this->mutex->lock(this->mutex);
	enumerator = this->clients->create_enumerator(this->clients);
	while (count < CLIENTS_MAX && enumerator->enumerate(enumerator, &client))
	{
		bool eager = client->requests->get_count(client->requests) < HASYNC_REQUESTS_MAX;

		clients[count] = client;
		fds[count].fd = client->fd;
		fds[count].events = (short)((eager ? POLLIN : 0) | (client->backlog ? POLLOUT : 0));
		count++;
	}
	enumerator->destroy(enumerator);
	this->mutex->unlock(this->mutex);
	return count;
}

/* Sends what it has room for; FALSE if it is doomed. */
static bool write_client(hasync_server_t *this, hasync_client_t *client, bool room)
{
	bool doomed;

	this->mutex->lock(this->mutex);
	if (room)
	{
		hasync_client_flush(client);
	}
	doomed = client->doomed;
	this->mutex->unlock(this->mutex);
	if (doomed)
	{
		DBG1(DBG_CFG, "hasync: client %llu does not take what it is told, client closed", client->id);
	}
	return !doomed;
}

static void serve_client(hasync_server_t *this, hasync_client_t *client, short events)
{
	bool keep = TRUE;

	if (events & POLLIN)
	{
		keep = read_client(this, client);
	}
	else if (events & (POLLERR | POLLHUP | POLLNVAL))
	{
		keep = FALSE;
	}
	if (!keep || !write_client(this, client, events & POLLOUT))
	{
		close_client(this, client);
	}
}

static void *serve(hasync_server_t *this)
{
	struct pollfd fds[CLIENTS_MAX + 2];
	hasync_client_t *clients[CLIENTS_MAX];
	uint64_t drain;
	int count, i;

	while (!this->stopping)
	{
		count = collect(this, fds, clients);
		fds[count] = (struct pollfd){.fd = this->listener, .events = POLLIN};
		fds[count + 1] = (struct pollfd){.fd = this->wake, .events = POLLIN};
		if (poll(fds, count + 2, -1) < 0 && errno != EINTR)
		{
			DBG1(DBG_CFG, "hasync: waiting for clients failed: %s", strerror(errno));
			break;
		}
		if ((fds[count + 1].revents & POLLIN) && read(this->wake, &drain, sizeof(drain)) < 0)
		{
			/* nothing to drain */
		}
		for (i = 0; i < count; i++)
		{
			serve_client(this, clients[i], fds[i].revents);
		}
		if (fds[count].revents & POLLIN)
		{
			take_client(this);
		}
	}
	return NULL;
}

chunk_t hasync_server_frame(Hasync__Proto__FromPlugin *message)
{
	size_t size = hasync__proto__from_plugin__get_packed_size(message);
	chunk_t frame = chunk_alloc(HASYNC_FRAME_HEADER + size);

	hasync_frame_header(frame.ptr, size);
	hasync__proto__from_plugin__pack(message, frame.ptr + HASYNC_FRAME_HEADER);
	return frame;
}

void hasync_server_send(hasync_server_t *this, hasync_client_t *client, chunk_t frame)
{
	bool idle = client->backlog == 0;

	hasync_client_push(client, frame);
	if (idle)
	{
		hasync_client_flush(client);
	}
	if (client->backlog || client->doomed)
	{
		wake(this);
	}
}

void hasync_server_reply(hasync_server_t *this, uint64_t id, Hasync__Proto__Reply *reply)
{
	Hasync__Proto__FromPlugin message = HASYNC__PROTO__FROM_PLUGIN__INIT;
	hasync_client_t *client;
	chunk_t frame;

	message.message_case = HASYNC__PROTO__FROM_PLUGIN__MESSAGE_REPLY;
	message.reply = reply;
	frame = hasync_server_frame(&message);

	this->mutex->lock(this->mutex);
	client = hasync_server_find(this, id);
	if (client)
	{
		hasync_server_send(this, client, frame);
	}
	else
	{
		chunk_clear(&frame);
	}
	this->counters.refused += reply->code ? 1 : 0;
	this->mutex->unlock(this->mutex);
}

ssize_t hasync_server_backlog(hasync_server_t *this, uint64_t id)
{
	hasync_client_t *client;
	ssize_t backlog;

	this->mutex->lock(this->mutex);
	client = hasync_server_find(this, id);
	backlog = client ? (ssize_t)client->backlog : -1;
	this->mutex->unlock(this->mutex);
	return backlog;
}

hasync_server_counters_t hasync_server_counters(hasync_server_t *this)
{
	hasync_server_counters_t counters;

	this->mutex->lock(this->mutex);
	counters = this->counters;
	this->mutex->unlock(this->mutex);
	return counters;
}

hasync_server_t *hasync_server_create(const char *uri, hasync_handler_t handler, hasync_urgent_t urgent,
									  void *user)
{
	hasync_server_t *this;
	uint64_t sessions;
	int fd;

	if (!strpfx(uri, "unix://"))
	{
		DBG1(DBG_CFG, "hasync: socket '%s' is not of the form unix://PATH", uri);
		return NULL;
	}
	fd = hasync_listen(uri + strlen("unix://"), CLIENTS_MAX);
	if (fd < 0)
	{
		DBG1(DBG_CFG, "hasync: socket '%s': %s", uri, strerror(errno));
		return NULL;
	}
	if (getrandom(&sessions, sizeof(sessions), 0) != sizeof(sessions))
	{
		DBG1(DBG_CFG, "hasync: no random numbers: %s", strerror(errno));
		close(fd);
		return NULL;
	}
	INIT(this, .sessions = sessions, .listener = fd, .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		 .path = strdup(uri + strlen("unix://")), .handler = handler, .urgent = urgent, .user = user,
		 .mutex = mutex_create(MUTEX_TYPE_DEFAULT), .clients = linked_list_create());
	return this;
}

bool hasync_server_start(hasync_server_t *this)
{
	this->thread = thread_create((thread_main_t)serve, this);
	return this->thread != NULL;
}

void hasync_server_stop(hasync_server_t *this)
{
	this->stopping = TRUE;
	wake(this);
	if (this->thread)
	{
		this->thread->join(this->thread);
		this->thread = NULL;
	}
}

void hasync_server_destroy(hasync_server_t *this)
{
	hasync_server_stop(this);
	close(this->listener);
	close(this->wake);
	unlink(this->path);
	this->clients->destroy_function(this->clients, (void *)hasync_client_destroy);
	this->mutex->destroy(this->mutex);
	free(this->path);
	free(this);
}
