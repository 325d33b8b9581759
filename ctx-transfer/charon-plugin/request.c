/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "request.h"

#define BAD HASYNC__PROTO__ERROR_CODE__BAD_REQUEST

/* one request can name every IKE_SA of a big gateway */
#define MAX_SAS 65536

/* a packet that waited longer would meet its own repetition */
#define MAX_WAIT_MS 60000

static bool check_sa(const Hasync__Proto__SaId *sa, const char *field, hasync_error_t *error)
{
	if (!sa)
	{
		return hasync_fail(error, BAD, "%s: missing", field);
	}
	return (sa->initiator_spi && sa->responder_spi) || hasync_fail(error, BAD, "%s: an SPI is 0", field);
}

static bool check_sas(Hasync__Proto__SaId *const *sas, size_t count, const char *field, hasync_error_t *error)
{
	if (count > MAX_SAS)
	{
		return hasync_fail(error, BAD, "%s: %zu entries, at most %d", field, count, MAX_SAS);
	}
	for (size_t i = 0; i < count; i++)
	{
		if (!check_sa(sas[i], field, error))
		{
			return false;
		}
	}
	return true;
}

static bool check_state(Hasync__Proto__SaState state, const char *field, hasync_error_t *error)
{
	return state == HASYNC__PROTO__SA_STATE__SA_STATE_ACTIVE ||
		   state == HASYNC__PROTO__SA_STATE__SA_STATE_PASSIVE ||
		   hasync_fail(error, BAD, "%s: %d, expected 1 (active) or 2 (passive)", field, (int)state);
}

static bool check_commit(const Hasync__Proto__OutputCommit *commit, hasync_error_t *error)
{
	if (!commit)
	{
		return true;
	}
	if (commit->mode != HASYNC__PROTO__COMMIT_MODE__COMMIT_MODE_STRICT &&
		commit->mode != HASYNC__PROTO__COMMIT_MODE__COMMIT_MODE_AVAILABLE)
	{
		return hasync_fail(error, BAD, "subscribe.commit.mode: %d, expected 1 (strict) or 2 (available)",
						   (int)commit->mode);
	}
	return (commit->wait_ms && commit->wait_ms <= MAX_WAIT_MS) ||
		   hasync_fail(error, BAD, "subscribe.commit.wait_ms: %u, expected 1 to %d", commit->wait_ms,
					   MAX_WAIT_MS);
}

static bool check_shared(const Hasync__Proto__Subscribe *subscribe, hasync_error_t *error)
{
	size_t i;

	for (i = 0; i < subscribe->n_shared; i++)
	{
		if (subscribe->shared[i]->address.len != 4 && subscribe->shared[i]->address.len != 16)
		{
			return hasync_fail(error, BAD, "subscribe.shared[%zu].address: %zu bytes, expected 4 or 16", i,
							   subscribe->shared[i]->address.len);
		}
	}
	return true;
}

static bool check_offer(const Hasync__Proto__Host *host, hasync_error_t *error)
{
	if (!host || (host->address.len != 4 && host->address.len != 16))
	{
		return hasync_fail(error, BAD, "offer_vpe.host.address: 4 or 16 bytes expected");
	}
	return (host->port && host->port <= UINT16_MAX) ||
		   hasync_fail(error, BAD, "offer_vpe.host.port: %u, expected 1 to 65535", host->port);
}

static bool check_shares(const Hasync__Proto__GiveVpe *give, hasync_error_t *error)
{
	if (give->n_shares > MAX_SAS)
	{
		return hasync_fail(error, BAD, "give_vpe.shares: %zu entries, at most %d", give->n_shares, MAX_SAS);
	}
	for (size_t i = 0; i < give->n_shares; i++)
	{
		const Hasync__Proto__VpePlace *place = give->shares[i]->place;

		if (!check_sa(give->shares[i]->sa, "give_vpe.shares.sa", error))
		{
			return false;
		}
		if (!place || place->node >= HASYNC_VPE_NODES || place->incarnation >= HASYNC_VPE_INCARNATIONS)
		{
			return hasync_fail(error, BAD,
							   "give_vpe.shares.place: missing, or beyond 16 nodes, 32 incarnations");
		}
	}
	return true;
}

static bool check_asked(const Hasync__Proto__AskFresh *ask, hasync_error_t *error)
{
	if (ask->n_children > MAX_SAS)
	{
		return hasync_fail(error, BAD, "ask_fresh.children: %zu entries, at most %d", ask->n_children,
						   MAX_SAS);
	}
	for (size_t i = 0; i < ask->n_children; i++)
	{
		if (!check_sa(ask->children[i]->sa, "ask_fresh.children.sa", error))
		{
			return false;
		}
	}
	return true;
}

static bool check_request(const Hasync__Proto__Request *request, hasync_error_t *error)
{
	/* as a number: newer clients may send what this enum does not have */
	switch ((int)request->request_case)
	{
		case HASYNC__PROTO__REQUEST__REQUEST_HELLO:
		case HASYNC__PROTO__REQUEST__REQUEST_LIST:
		case HASYNC__PROTO__REQUEST__REQUEST_COMMIT:
		case HASYNC__PROTO__REQUEST__REQUEST_DISCARD:
		case HASYNC__PROTO__REQUEST__REQUEST_RETIRED_VPE:
			return true;
		case HASYNC__PROTO__REQUEST__REQUEST_SUBSCRIBE:
			return check_commit(request->subscribe->commit, error) && check_shared(request->subscribe, error);
		case HASYNC__PROTO__REQUEST__REQUEST_GET:
			return check_sa(request->get->sa, "get.sa", error);
		case HASYNC__PROTO__REQUEST__REQUEST_PUT:
			return check_state(request->put->state, "put.state", error) &&
				   hasync_context_check(request->put->context, error);
		case HASYNC__PROTO__REQUEST__REQUEST_SET_STATE:
			return check_state(request->set_state->state, "set_state.state", error) &&
				   check_sas(request->set_state->sas, request->set_state->n_sas, "set_state.sas", error);
		case HASYNC__PROTO__REQUEST__REQUEST_RELEASE:
			return check_sas(request->release->sas, request->release->n_sas, "release.sas", error);
		case HASYNC__PROTO__REQUEST__REQUEST_REKEY:
			return check_sa(request->rekey->sa, "rekey.sa", error);
		case HASYNC__PROTO__REQUEST__REQUEST_OFFER_VPE:
			return check_offer(request->offer_vpe->host, error);
		case HASYNC__PROTO__REQUEST__REQUEST_GIVE_VPE:
			return check_shares(request->give_vpe, error);
		case HASYNC__PROTO__REQUEST__REQUEST_ASK_FRESH:
			return check_asked(request->ask_fresh, error);
		default:
			return hasync_fail(error, BAD, "request: none that is known here");
	}
}

Hasync__Proto__Request *hasync_request_decode(const uint8_t *content, size_t size, hasync_arena_t *arena,
											  uint64_t *id, hasync_error_t *error)
{
	Hasync__Proto__Request *request;

	*id = 0;
	request = hasync__proto__request__unpack(&arena->allocator, size, content);
	if (!request)
	{
		hasync_fail(error, BAD, "request: not a message of plugin.proto");
		return NULL;
	}
	*id = request->id;
	if (!check_request(request, error))
	{
		return NULL;
	}
	return request;
}
