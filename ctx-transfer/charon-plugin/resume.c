/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "resume.h"

#include "numbers.h"
#include "private_value.h"
#include "rekey.h"
#include "releases.h"

#include <encoding/payloads/delete_payload.h>

typedef struct
{
	const hasync_sent_t *sent;
	bool taken; /* charon has its packets */
	bool same;  /* what charon would have sent is what was sent */
} resuming_t;

static __thread resuming_t *resuming;

static status_t (*kernel_get_spi)(kernel_interface_t *, host_t *, host_t *, uint8_t, uint32_t *);

/* In place of the kernel interface's. */
static status_t get_child_spi(kernel_interface_t *this, host_t *source, host_t *destination, uint8_t protocol,
							  uint32_t *spi)
{
	if (!resuming)
	{
		return kernel_get_spi(this, source, destination, protocol, spi);
	}
	*spi = resuming->sent->rekey->spi;
	return hasync_numbers_reserve(source, destination, protocol, *spi) ? SUCCESS : FAILED;
}

static uint64_t random_spi()
{
	rng_t *rng = lib->crypto->create_rng(lib->crypto, RNG_WEAK);
	uint64_t spi = 0;

	if (rng && !rng->get_bytes(rng, sizeof(spi), (uint8_t *)&spi))
	{
		spi = 0;
	}
	DESTROY_IF(rng);
	return spi;
}

static uint64_t get_ike_spi(void *data)
{
	return resuming ? resuming->sent->rekey->spi : random_spi();
}

void hasync_resume_init()
{
	kernel_get_spi = charon->kernel->get_spi;
	charon->kernel->get_spi = get_child_spi;
	charon->ike_sa_manager->set_spi_cb(charon->ike_sa_manager, get_ike_spi, NULL);
}

void hasync_resume_deinit()
{
	if (kernel_get_spi)
	{
		charon->kernel->get_spi = kernel_get_spi;
		kernel_get_spi = NULL;
		charon->ike_sa_manager->set_spi_cb(charon->ike_sa_manager, NULL, NULL);
	}
}

METHOD(nonce_gen_t, get_nonce, bool, nonce_gen_t *this, size_t size, uint8_t *buffer)
{
	if (!resuming || resuming->sent->rekey->nonce.len != size)
	{
		return FALSE;
	}
	memcpy(buffer, resuming->sent->rekey->nonce.ptr, size);
	return TRUE;
}

METHOD(nonce_gen_t, allocate_nonce, bool, nonce_gen_t *this, size_t size, chunk_t *nonce)
{
	if (!resuming)
	{
		return FALSE;
	}
	*nonce = chunk_clone(resuming->sent->rekey->nonce);
	return TRUE;
}

bool hasync_resume_is_active()
{
	return resuming != NULL;
}

nonce_gen_t *hasync_resume_nonce_gen()
{
	nonce_gen_t *this;

	INIT(this, .get_nonce = _get_nonce, .allocate_nonce = _allocate_nonce, .destroy = (void *)free);
	return this;
}

key_exchange_t *hasync_resume_create_ke(keymat_t *keymat, key_exchange_method_t method)
{
	const hasync_rekey_t *rekey = resuming->sent->rekey;

	if (method != rekey->method || !rekey->private_value.len)
	{
		return keymat->create_ke(keymat, method);
	}
	return hasync_private_value_use(keymat, method, rekey->private_value);
}

bool hasync_resume_is_refused(hasync_memory_t *memory, chunk_t nonce)
{
	if (!memory || !chunk_equals(memory->refused, nonce))
	{
		return FALSE;
	}
	DBG1(DBG_IKE, "hasync: a rekey that another node has begun cannot be completed here");
	return TRUE;
}

static void refuse(hasync_memory_t *memory, chunk_t nonce)
{
	chunk_free(&memory->refused);
	memory->refused = chunk_clone(nonce);
}

/* With IPComp the request offers a CPI as well, which would be another one now. */
static bool is_same(message_t *request, const hasync_rekey_t *recorded)
{
	hasync_rekey_t *built = hasync_rekey_of(request);
	bool same = built && built->child_spi == recorded->child_spi && built->spi == recorded->spi &&
				built->method == recorded->method && chunk_equals(built->nonce, recorded->nonce) &&
				(recorded->method == KE_NONE || recorded->private_value.len) &&
				!request->get_notify(request, IPCOMP_SUPPORTED);

	if (built)
	{
		hasync_rekey_destroy(built);
	}
	return same;
}

/* In place of the IKE_SA's generate_message_fragmented: what charon would encrypt has been sent already. */
static status_t give_recorded(ike_sa_t *ike_sa, message_t *request, enumerator_t **packets)
{
	host_t *me = ike_sa->get_my_host(ike_sa), *other = ike_sa->get_other_host(ike_sa);
	linked_list_t *list = linked_list_create();
	chunk_t data;
	int i;

	resuming->taken = TRUE;
	resuming->same = is_same(request, resuming->sent->rekey);
	for (i = 0; i < array_count(resuming->sent->packets); i++)
	{
		array_get(resuming->sent->packets, i, &data);
		list->insert_last(list,
						  packet_create_from_data(me->clone(me), other->clone(other), chunk_clone(data)));
	}
	*packets = enumerator_create_cleaner(list->create_enumerator(list), (void *)list->destroy, list);
	return SUCCESS;
}

static child_sa_t *find_child(ike_sa_t *ike_sa, uint32_t spi, bool inbound)
{
	return ike_sa->get_child_sa(ike_sa, PROTO_ESP, spi, inbound)
			   ?: ike_sa->get_child_sa(ike_sa, PROTO_AH, spi, inbound);
}

/* The peer has rekeyed the same CHILD_SA, and the node before us has answered. charon knows of no collision:
 * for it the old CHILD_SA has to be as if nobody had replaced it. */
static void reopen(child_sa_t *child_sa)
{
	child_sa->set_close_action(child_sa, ACTION_NONE);
	child_sa->set_state(child_sa, CHILD_INSTALLED);
}

static void begin(ike_sa_t *ike_sa, const hasync_rekey_t *rekey)
{
	child_sa_t *child_sa = find_child(ike_sa, rekey->child_spi, TRUE);

	if (!rekey->child_spi)
	{
		ike_sa->rekey(ike_sa);
		return;
	}
	if (child_sa && rekey->rival_nonce.len && child_sa->get_state(child_sa) == CHILD_REKEYED)
	{
		reopen(child_sa);
	}
	if (child_sa)
	{
		ike_sa->rekey_child_sa(ike_sa, child_sa->get_protocol(child_sa), rekey->child_spi);
	}
}

static bool is_won(const hasync_rekey_t *rekey, message_t *response)
{
	chunk_t lower = hasync_rekey_lower_nonce(response, rekey->nonce);
	bool won = memcmp(lower.ptr, rekey->rival_nonce.ptr, min(lower.len, rekey->rival_nonce.len)) > 0;

	chunk_free(&lower);
	return won;
}

/* What the peer has put in the place of the CHILD_SA that we rekey as well; NULL if it has not. */
static child_sa_t *find_rival(ike_sa_t *ike_sa, hasync_memory_t *memory, child_sa_t **old)
{
	const hasync_rekey_t *rekey = memory->request.rekey;

	*old = NULL;
	if (memory->request.resumed && rekey && rekey->rival_nonce.len)
	{
		*old = find_child(ike_sa, rekey->child_spi, TRUE);
	}
	return *old ? find_child(ike_sa, hasync_successor_spi(*old), FALSE) : NULL;
}

/* The peer goes on with what has replaced this CHILD_SA. charon knows, unless we rekey the same one. */
static void use_successor(ike_sa_t *ike_sa, child_sa_t *child_sa)
{
	child_sa_t *successor = find_child(ike_sa, hasync_successor_spi(child_sa), FALSE);

	if (successor && (successor->get_outbound_state(successor) & CHILD_OUTBOUND_REGISTERED) &&
		successor->install_outbound(successor) != SUCCESS)
	{
		DBG1(DBG_CHD, "hasync: outbound SA of %s could not be installed", successor->get_name(successor));
	}
}

void hasync_resume_peer_asks(ike_sa_t *ike_sa, message_t *request)
{
	delete_payload_t *payload = (delete_payload_t *)request->get_payload(request, PLV2_DELETE);
	enumerator_t *spis;
	child_sa_t *deleted;
	uint32_t spi;

	if (!payload)
	{
		return;
	}
	spis = payload->create_spi_enumerator(payload);
	while (spis->enumerate(spis, &spi))
	{
		deleted = find_child(ike_sa, spi, FALSE);
		if (deleted)
		{
			use_successor(ike_sa, deleted);
		}
	}
	spis->destroy(spis);
}

/*
 * RFC 7296, section 2.8.1: of two rekeys of one CHILD_SA, that with the lowest nonce goes, and whoever began
 * it deletes what it made. Ours goes if charon gets no keys for it.
 */
void hasync_resume_answered(ike_sa_t *ike_sa, hasync_memory_t *memory, message_t *response)
{
	child_sa_t *old, *rival = find_rival(ike_sa, memory, &old);

	if (!rival || !response->get_payload(response, PLV2_SECURITY_ASSOCIATION))
	{
		return;
	}
	if (!is_won(memory->request.rekey, response))
	{
		DBG1(DBG_IKE, "hasync: the peer's rekey of the CHILD_SA stays, not ours");
		refuse(memory, memory->request.rekey->nonce);
		return;
	}
	DBG1(DBG_IKE, "hasync: our rekey of the CHILD_SA stays, not the peer's");
	/* the peer deletes it: neither event nor action */
	rival->set_close_action(rival, ACTION_NONE);
	rival->set_state(rival, CHILD_REKEYED);
	hasync_set_successor(ike_sa, old, 0);
}

static bool make_charon_begin(ike_sa_t *ike_sa, hasync_memory_t *memory, const hasync_sent_t *sent)
{
	resuming_t state = {.sent = sent};
	status_t (*generate)(ike_sa_t *, message_t *, enumerator_t **) = ike_sa->generate_message_fragmented;

	ike_sa->generate_message_fragmented = give_recorded;
	resuming = &state;
	begin(ike_sa, sent->rekey);
	resuming = NULL;
	ike_sa->generate_message_fragmented = generate;
	if (state.taken && !state.same)
	{
		refuse(memory, sent->rekey->nonce);
	}
	return state.taken;
}

void hasync_resume_rekey(ike_sa_t *ike_sa, hasync_memory_t *memory)
{
	uint32_t next = ike_sa->get_message_id(ike_sa, TRUE);
	hasync_sent_t *sent;

	if (!array_get(memory->imported_requests, ARRAY_TAIL, &sent) || !sent->rekey || sent->id + 1 != next)
	{
		return;
	}
	ike_sa->set_message_id(ike_sa, TRUE, sent->id);
	if (!make_charon_begin(ike_sa, memory, sent))
	{
		DBG1(DBG_IKE, "hasync: the rekey with message ID %u is not one any more", sent->id);
		ike_sa->flush_queue(ike_sa, TASK_QUEUE_QUEUED);
		ike_sa->set_message_id(ike_sa, TRUE, next);
		return;
	}
	DBG1(DBG_IKE, "hasync: going on with the rekey that another node has begun, message ID %u", sent->id);
	array_remove(memory->imported_requests, ARRAY_TAIL, NULL);
	hasync_sent_clear(&memory->request);
	memory->request = *sent;
	memory->request.resumed = TRUE;
	free(sent);
}
