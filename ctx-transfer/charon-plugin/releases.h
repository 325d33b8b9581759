/*
 * What strongSwan 6 has changed of the calls that this plugin makes; the sources are the same for both.
 * Layouts are in config.h.
 *
 * HASYNC_STRONGSWAN_MAJOR is the major release that is built for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_RELEASES_H_
#define HASYNC_RELEASES_H_

#include "charon_types.h"

#include <crypto/key_exchange.h>

#if HASYNC_STRONGSWAN_MAJOR >= 6

/* several key exchanges (RFC 9370), in their order, or NULL */
typedef array_t *hasync_kes_t;

/* the octets that are signed cover IKE_INTERMEDIATE (RFC 9242, section 3.3.2) */
#define HASYNC_INT_AUTH_PARAM chunk_t int_auth,
#define HASYNC_INT_AUTH int_auth,

/* of a keymat_v2_t that stands before charon's own, its `inner` */
#define HASYNC_FORWARD_INT_AUTH(type)                                                                        \
	METHOD(keymat_v2_t, get_int_auth, bool, type *this, bool verify, chunk_t data, chunk_t prev,             \
		   chunk_t *auth)                                                                                    \
	{                                                                                                        \
		return this->inner->get_int_auth(this->inner, verify, data, prev, auth);                             \
	}
#define HASYNC_INT_AUTH_METHOD .get_int_auth = _get_int_auth,

/*
 * SK(0) and SK(1) | ... | SK(n), both to be freed (RFC 9370, section 2.2.4).
 */
static inline bool hasync_shared_secrets(hasync_kes_t kes, chunk_t *first, chunk_t *more)
{
	key_exchange_t *ke;
	chunk_t secret;
	int i;

	*first = *more = chunk_empty;
	for (i = 0; i < array_count(kes); i++)
	{
		array_get(kes, i, &ke);
		if (!ke->get_shared_secret(ke, &secret))
		{
			chunk_clear(first);
			chunk_clear(more);
			return FALSE;
		}
		if (i == 0)
		{
			*first = secret;
		}
		else
		{
			*more = chunk_cat("ss", *more, secret);
		}
	}
	return TRUE;
}

static inline bool hasync_set_private_value(key_exchange_t *ke, chunk_t value)
{
	return ke->set_seed && ke->set_seed(ke, value, NULL);
}

/* charon keeps the other CHILD_SA itself, in both directions */
static inline uint32_t hasync_successor_spi(child_sa_t *child_sa)
{
	child_sa_t *other = child_sa->get_rekey_sa(child_sa);

	return other && child_sa->get_state(child_sa) == CHILD_REKEYED ? other->get_spi(other, FALSE) : 0;
}

/* A successor that is not there yet is left out: it is set when it has come. */
static inline void hasync_set_successor(ike_sa_t *ike_sa, child_sa_t *child_sa, uint32_t spi)
{
	protocol_id_t protocol = child_sa->get_protocol(child_sa);

	child_sa->set_rekey_sa(child_sa, spi ? ike_sa->get_child_sa(ike_sa, protocol, spi, FALSE) : NULL);
}

#else

typedef key_exchange_t *hasync_kes_t;

#define HASYNC_INT_AUTH_PARAM
#define HASYNC_INT_AUTH
#define HASYNC_FORWARD_INT_AUTH(type)
#define HASYNC_INT_AUTH_METHOD

static inline bool hasync_shared_secrets(hasync_kes_t ke, chunk_t *first, chunk_t *more)
{
	*first = *more = chunk_empty;
	return !ke || ke->get_shared_secret(ke, first);
}

static inline bool hasync_set_private_value(key_exchange_t *ke, chunk_t value)
{
	return ke->set_private_key && ke->set_private_key(ke, value);
}

/* of the outbound SA, in network byte order; 0: none */
static inline uint32_t hasync_successor_spi(child_sa_t *child_sa)
{
	return child_sa->get_rekey_spi(child_sa);
}

static inline void hasync_set_successor(ike_sa_t *ike_sa, child_sa_t *child_sa, uint32_t spi)
{
	child_sa->set_rekey_spi(child_sa, spi);
}

#endif

#endif
