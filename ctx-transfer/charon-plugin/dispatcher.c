/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dispatcher.h"

#include "connections.h"
#include "control.h"
#include "convert.h"
#include "export.h"
#include "import.h"
#include "request.h"
#include "vpe.h"
#include "vpe_fresh.h"

#include <threading/mutex.h>

struct hasync_dispatcher_t
{
	mutex_t *mutex; /* requests that change IKE_SAs */
	hasync_server_t *server;
	hasync_reporter_t *reporter;
	hasync_commit_t *commit;
	hasync_shared_t *shared;
};

/* One request on its way; the reply's parts live in the arena. */
typedef struct
{
	hasync_dispatcher_t *dispatcher;
	uint64_t client;
	hasync_arena_t arena;
	hasync_error_t error;
	Hasync__Proto__Request *request;
	Hasync__Proto__Reply reply;
	Hasync__Proto__HelloReply hello;
	Hasync__Proto__ListReply list;
	Hasync__Proto__GetReply get;
	Hasync__Proto__CommitReply commit;
} exchange_t;

static bool hello(exchange_t *this)
{
	hasync_server_counters_t counters = hasync_server_counters(this->dispatcher->server);

	hasync__proto__hello_reply__init(&this->hello);
	this->hello.plugin_version = HASYNC_VERSION;
	this->hello.charon_version = VERSION;
	this->hello.context_major = HASYNC_CONTEXT_MAJOR;
	this->hello.context_minor = HASYNC_CONTEXT_MINOR;
	this->hello.requests = counters.requests;
	this->hello.refused = counters.refused;
	this->hello.bad_frames = counters.bad_frames;
	hasync_tell_connections(&this->hello, &this->arena);
	this->reply.reply_case = HASYNC__PROTO__REPLY__REPLY_HELLO;
	this->reply.hello = &this->hello;
	return TRUE;
}

static bool list(exchange_t *this)
{
	size_t room = charon->ike_sa_manager->get_count(charon->ike_sa_manager) + 16;
	enumerator_t *enumerator;
	ike_sa_t *ike_sa;

	hasync__proto__list_reply__init(&this->list);
	this->list.sas = hasync_arena_take(&this->arena, room * sizeof(*this->list.sas));
	enumerator = charon->ike_sa_manager->create_enumerator(charon->ike_sa_manager, TRUE);
	while (this->list.n_sas < room && enumerator->enumerate(enumerator, &ike_sa))
	{
		if (hasync_is_established(ike_sa))
		{
			this->list.sas[this->list.n_sas++] = hasync_summarize(ike_sa, &this->arena);
		}
	}
	enumerator->destroy(enumerator);
	this->reply.reply_case = HASYNC__PROTO__REPLY__REPLY_LIST;
	this->reply.list = &this->list;
	return TRUE;
}

static bool get(exchange_t *this)
{
	const Hasync__Proto__SaId *sa = this->request->get->sa;
	ike_sa_t *ike_sa = hasync_checkout(sa->initiator_spi, sa->responder_spi);

	if (!ike_sa)
	{
		return hasync_fail(&this->error, HASYNC__PROTO__ERROR_CODE__NOT_FOUND, "get.sa: no such IKE_SA");
	}
	hasync__proto__get_reply__init(&this->get);
	this->get.context = hasync_export(ike_sa, &this->arena, &this->error);
	charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
	if (!this->get.context)
	{
		return FALSE;
	}
	this->reply.reply_case = HASYNC__PROTO__REPLY__REPLY_GET;
	this->reply.get = &this->get;
	return TRUE;
}

static bool commit(exchange_t *this)
{
	hasync_commit_counters_t counters;

	if (this->request->request_case == HASYNC__PROTO__REQUEST__REQUEST_COMMIT)
	{
		hasync_commit_stable(this->dispatcher->commit, this->client, this->request->commit->event);
	}
	else
	{
		hasync_commit_void(this->dispatcher->commit, this->client, this->request->discard->first,
						   this->request->discard->last);
	}
	counters = hasync_commit_counters(this->dispatcher->commit);
	hasync__proto__commit_reply__init(&this->commit);
	this->commit.held = counters.held;
	this->commit.dropped = counters.dropped;
	this->commit.early = counters.early;
	this->reply.reply_case = HASYNC__PROTO__REPLY__REPLY_COMMIT;
	this->reply.commit = &this->commit;
	return TRUE;
}

static bool change(exchange_t *this)
{
	mutex_t *mutex = this->dispatcher->mutex;
	const Hasync__Proto__SetState *resumed = NULL;
	bool done = FALSE;
	size_t i;

	mutex->lock(mutex);
	hasync_quiet_begin();
	switch (this->request->request_case)
	{
		case HASYNC__PROTO__REQUEST__REQUEST_PUT:
			done = hasync_import(this->request->put, this->dispatcher->commit, &this->error);
			break;
		case HASYNC__PROTO__REQUEST__REQUEST_SET_STATE:
			done = hasync_set_state(this->request->set_state, &this->error);
			resumed = this->request->set_state;
			break;
		case HASYNC__PROTO__REQUEST__REQUEST_GIVE_VPE:
			hasync_vpe_give(this->dispatcher->server, this->request->give_vpe);
			done = TRUE;
			break;
		case HASYNC__PROTO__REQUEST__REQUEST_RELEASE:
			done = hasync_release(this->request->release, &this->error);
			break;
		default:
			break;
	}
	if (done && this->request->request_case == HASYNC__PROTO__REQUEST__REQUEST_PUT)
	{
		hasync_vpe_put(this->dispatcher->server, this->request->put->context);
	}
	hasync_quiet_end();
	for (i = 0; resumed && i < resumed->n_sas; i++)
	{
		hasync_reporter_resumed(this->dispatcher->reporter, resumed->sas[i]->initiator_spi,
								resumed->sas[i]->responder_spi);
	}
	mutex->unlock(mutex);
	return done;
}

static bool offer_vpe(exchange_t *this)
{
	host_t *host = hasync_to_host(this->request->offer_vpe->host);
	bool taken = hasync_server_offer_vpe(this->dispatcher->server, this->client, host,
										 this->request->offer_vpe->renews);

	host->destroy(host);
	return taken || hasync_fail(&this->error, HASYNC__PROTO__ERROR_CODE__CONFLICT,
								"offer_vpe: another client does so already");
}

/* The events follow the reply: see hasync_dispatch. */
static bool subscribe(exchange_t *this)
{
	const Hasync__Proto__Subscribe *request = this->request->subscribe;

	if (request->n_shared)
	{
		hasync_shared_set(this->dispatcher->shared, request->shared, request->n_shared);
	}
	return TRUE;
}

static bool carry_out(exchange_t *this)
{
	switch (this->request->request_case)
	{
		case HASYNC__PROTO__REQUEST__REQUEST_HELLO:
			return hello(this);
		case HASYNC__PROTO__REQUEST__REQUEST_LIST:
			return list(this);
		case HASYNC__PROTO__REQUEST__REQUEST_GET:
			return get(this);
		case HASYNC__PROTO__REQUEST__REQUEST_REKEY:
			return hasync_rekey(this->request->rekey, &this->error);
		case HASYNC__PROTO__REQUEST__REQUEST_SUBSCRIBE:
			return subscribe(this);
		case HASYNC__PROTO__REQUEST__REQUEST_OFFER_VPE:
			return offer_vpe(this);
		case HASYNC__PROTO__REQUEST__REQUEST_ASK_FRESH:
			hasync_vpe_fresh_ask(this->request->ask_fresh);
			return TRUE;
		case HASYNC__PROTO__REQUEST__REQUEST_RETIRED_VPE:
			hasync_vpe_fresh_retired(this->dispatcher->server, this->request->retired_vpe);
			return TRUE;
		default:
			return change(this);
	}
}

/* What is longer is none of these: an id and two numbers. */
#define URGENT_MAX 48

static void finish(exchange_t *this, bool done, uint64_t start)
{
	if (!done)
	{
		this->reply.code = this->error.code;
		this->reply.text = this->error.text;
		DBG1(DBG_CFG, "hasync: request refused: %s", this->error.text);
	}
	this->reply.took_ns = hasync_now_ns() - start;
	hasync_server_reply(this->dispatcher->server, this->client, &this->reply);
}

bool hasync_dispatch_urgent(void *dispatcher, uint64_t client, chunk_t content)
{
	exchange_t this = {.dispatcher = dispatcher, .client = client};
	uint64_t start = hasync_now_ns();
	bool urgent = FALSE;

	if (content.len > URGENT_MAX)
	{
		return FALSE;
	}
	hasync_arena_init(&this.arena);
	hasync__proto__reply__init(&this.reply);
	this.request = hasync_request_decode(content.ptr, content.len, &this.arena, &this.reply.id, &this.error);
	if (this.request && (this.request->request_case == HASYNC__PROTO__REQUEST__REQUEST_COMMIT ||
						 this.request->request_case == HASYNC__PROTO__REQUEST__REQUEST_DISCARD))
	{
		urgent = commit(&this);
		finish(&this, TRUE, start);
	}
	hasync_arena_clear(&this.arena);
	return urgent;
}

void hasync_dispatch(void *dispatcher, uint64_t client, chunk_t content)
{
	exchange_t this = {.dispatcher = dispatcher, .client = client};
	uint64_t start = hasync_now_ns();

	bool done;

	hasync_arena_init(&this.arena);
	hasync__proto__reply__init(&this.reply);
	this.request = hasync_request_decode(content.ptr, content.len, &this.arena, &this.reply.id, &this.error);
	done = this.request && carry_out(&this);
	finish(&this, done, start);
	/* the reply first: a client knows its events by it */
	if (done && this.request->request_case == HASYNC__PROTO__REQUEST__REQUEST_SUBSCRIBE)
	{
		hasync_reporter_subscribe(this.dispatcher->reporter, client, this.request->subscribe->commit);
	}
	if (done && this.request->request_case == HASYNC__PROTO__REQUEST__REQUEST_OFFER_VPE)
	{
		hasync_server_tell_session(this.dispatcher->server, 0);
		hasync_vpe_tell_all(this.dispatcher->server, client);
	}
	hasync_arena_clear(&this.arena);
}

hasync_dispatcher_t *hasync_dispatcher_create()
{
	hasync_dispatcher_t *this;

	INIT(this, .mutex = mutex_create(MUTEX_TYPE_DEFAULT));
	return this;
}

void hasync_dispatcher_connect(hasync_dispatcher_t *this, hasync_server_t *server,
							   hasync_reporter_t *reporter, hasync_commit_t *commit, hasync_shared_t *shared)
{
	this->server = server;
	this->reporter = reporter;
	this->commit = commit;
	this->shared = shared;
}

void hasync_dispatcher_destroy(hasync_dispatcher_t *this)
{
	this->mutex->destroy(this->mutex);
	free(this);
}
