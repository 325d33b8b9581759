/*
 * What the plugin remembers of one IKE_SA because charon does not give it back: keys, the bytes of messages
 * that may have to be sent again, and times that an imported SA brought along. It belongs to the IKE_SA's
 * keymat and is wiped with it. Only whoever has checked out the IKE_SA touches it, so there are no locks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_MEMORY_H_
#define HASYNC_MEMORY_H_

#include "charon_types.h"

typedef struct hasync_memory_t hasync_memory_t;
typedef struct hasync_child_t hasync_child_t;
typedef struct hasync_sent_t hasync_sent_t;
typedef struct hasync_rekey_t hasync_rekey_t;

/* SK_* as RFC 7296, section 2.14 names them. */
typedef struct
{
	chunk_t d, ai, ar, ei, er;
} hasync_ike_keys_t;

/* Of one CHILD_SA. Times are those of time_monotonic, 0 if charon's own are right. */
struct hasync_child_t
{
	uint32_t inbound_spi; /* network order, as charon has it */
	chunk_t encryption_in, encryption_out, integrity_in, integrity_out;
	time_t installed_at;
	time_t rekey_at;
	time_t delete_at;
	struct
	{
		uint16_t port;         /* where the peer receives its VPE; 0: it is no VPE */
		bool pending;          /* as it was told last */
		uint64_t client;       /* to whom */
		bool of_cluster;       /* a log gives its places out, not we */
		uint32_t incarnations; /* how many clients were told of it; of a cluster's: above every one given */
		uint64_t given;        /* to this client: */
		uint32_t node;
		host_t *local; /* of the policies by which it stands in as ESP; NULL: it does not */
		host_t *remote;
	} vpe;
};

/* A message as it left, in one packet or in fragments. */
struct hasync_sent_t
{
	uint32_t id;
	array_t *packets;      /* chunk_t */
	hasync_rekey_t *rekey; /* if it asks for one: what its answer takes to be understood (rekey.h) */
	bool resumed;          /* charon has it from another node (resume.h) */
};

/* Of a key exchange: a private value that was drawn by us, and what was made of it. */
typedef struct
{
	chunk_t private_value, public_value;
} hasync_drawn_t;

struct hasync_memory_t
{
	bool keys_known;
	hasync_ike_keys_t keys;
	array_t *children; /* hasync_child_t* */

	hasync_sent_t response; /* the last one */
	hasync_sent_t request;  /* charon's own that waits for its response */
	hasync_drawn_t drawn;   /* the last */
	hasync_rekey_t *begun;  /* by a request that is about to be encrypted */
	struct
	{
		uint16_t asked;     /* ports: ours, in our request that waits for its response */
		uint16_t port;      /* the peer's, in the message that was read last; 0: it did not say */
		uint16_t agreed;    /* ours, to be said in the response that is about to be built */
		chunk_t asking;     /* inbound SPIs: the next INFORMATIONAL request asks for fresh windows of these */
		uint64_t reception; /* in which that is asked, as the asking client names it */
		chunk_t answer;     /* to such a request, in the response that is about to be built */
	} vpe;
	struct
	{
		uint32_t child_spi; /* inbound */
		chunk_t nonce;
	} asked;               /* a rekey that the peer has asked for and charon is about to answer */
	chunk_t request_hash;  /* of the peer's request that `response` answers */
	chunk_t incoming_hash; /* of a request that has come in and is not verified yet */
	chunk_t fragment_hash; /* of the genuine first fragment of one that is not complete yet */
	uint32_t incoming_id;

	/* From PUT: charon itself knows nothing of these messages, so the plugin repeats them. */
	bool response_imported;
	uint32_t activations;       /* jobs of older ones repeat nothing */
	array_t *imported_requests; /* hasync_sent_t*, unanswered, in their order */
	chunk_t refused;            /* our nonce of a rekey that cannot be completed here (resume.h) */

	struct
	{
		bool sending;       /* in doubt: the peer may have seen requests of these IDs */
		bool receiving;     /* in doubt: the peer may be further than we expect */
		int tries;          /* of the request */
		bool making;        /* the request that asks for it is being encrypted */
		bool due;           /* to be agreed (RFC 6311) as soon as it can be sent */
		uint32_t nonce;     /* of the request that asks for it */
		hasync_sent_t sync; /* that request, unanswered; no packets: there is none */
	} ids;

	bool not_followed; /* the peer's request, about to be answered, asked for an address of this node's own */
	bool closing;      /* imported as such: only its deletion is left */
	bool answered_for; /* it was active since it has its ciphers: they have encrypted messages */
	bool announced;    /* a subscriber was told of this IKE_SA */
	bool released;     /* goes because a client asked for it */
	bool rekey_asked;  /* because keys are unknown */
	ike_sa_id_t *successor;    /* the IKE_SA that replaced this one by a rekey, until it was reported */
	ike_sa_id_t *predecessor;  /* the IKE_SA that this one replaced */
	linked_list_t *local_vips; /* host_t, of a passive copy: installed once it becomes active */
};

hasync_memory_t *hasync_memory_create();

/* Wipes everything. */
void hasync_memory_destroy(hasync_memory_t *this);

/* Copies the keys. */
void hasync_memory_set_keys(hasync_memory_t *this, hasync_ike_keys_t *keys);

/* NULL if there is none with this inbound SPI. */
hasync_child_t *hasync_memory_find_child(hasync_memory_t *this, uint32_t inbound_spi);

/* The one with this SPI, empty if it is new. */
hasync_child_t *hasync_memory_add_child(hasync_memory_t *this, uint32_t inbound_spi);

void hasync_memory_forget_child(hasync_memory_t *this, uint32_t inbound_spi);

/* Moves one child, or all of them for SPI 0, to another IKE_SA's memory. */
void hasync_memory_move_child(hasync_memory_t *this, hasync_memory_t *other, uint32_t inbound_spi);

/* Requests of another node's that wait for a response: nobody waits any more. */
void hasync_memory_forget_requests(hasync_memory_t *this);

void hasync_drawn_clear(hasync_drawn_t *this);

void hasync_sent_clear(hasync_sent_t *this);
void hasync_sent_destroy(hasync_sent_t *this); /* of one on the heap */
void hasync_sent_add(hasync_sent_t *this, chunk_t packet);

#endif
