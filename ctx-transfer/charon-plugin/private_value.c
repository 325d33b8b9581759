/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "private_value.h"

#include "releases.h"

#define TRIES 100 /* each succeeds with a probability of at least a half */

/* A value's first two bytes stay below those of the group's order, so that it is uniform and below that. */
typedef struct
{
	key_exchange_method_t method;
	uint16_t length; /* bytes */
	uint16_t below;  /* 0: all values are good */
} range_t;

static const range_t ranges[] = {
	{ECP_192_BIT, 24, 0xffff}, /* RFC 5903, section 3 and RFC 5114, section 2.4: orders begin with ones */
	{ECP_224_BIT, 28, 0xffff}, {ECP_256_BIT, 32, 0xffff}, {ECP_384_BIT, 48, 0xffff},
	{ECP_521_BIT, 66, 0x01ff}, {ECP_224_BP, 28, 0xd7c1}, /* RFC 5639, section 3 */
	{ECP_256_BP, 32, 0xa9fb},  {ECP_384_BP, 48, 0x8cb9},  {ECP_512_BP, 64, 0xaadd},
	{CURVE_25519, 32, 0}, /* RFC 7748, section 5: any bytes */
	{CURVE_448, 56, 0},
};

static uint16_t first_two(chunk_t order)
{
	return order.ptr[0] << 8 | order.ptr[1];
}

/* As charon's own implementations choose it: below the subgroup's order, or of the configured length. */
static range_t range_of_modp(diffie_hellman_params_t *params)
{
	chunk_t order = params->subgroup.len == params->exp_len ? params->subgroup : params->prime;

	return (range_t){.length = params->exp_len, .below = order.len == params->exp_len ? first_two(order) : 0};
}

static bool find_range(key_exchange_method_t method, range_t *range)
{
	diffie_hellman_params_t *params = diffie_hellman_get_params(method);
	int i;

	if (params)
	{
		*range = range_of_modp(params);
		return TRUE;
	}
	for (i = 0; i < countof(ranges); i++)
	{
		if (ranges[i].method == method)
		{
			*range = ranges[i];
			return TRUE;
		}
	}
	return FALSE;
}

static uint8_t mask_of(uint8_t byte)
{
	uint8_t mask = 0;

	while (mask < byte)
	{
		mask = mask << 1 | 1;
	}
	return mask;
}

static bool draw_below(rng_t *rng, chunk_t value, uint16_t below)
{
	int tries;

	for (tries = 0; tries < TRIES; tries++)
	{
		if (!rng->get_bytes(rng, value.len, value.ptr))
		{
			return FALSE;
		}
		if (!below)
		{
			return TRUE;
		}
		value.ptr[0] &= mask_of(below >> 8);
		if (first_two(value) < below)
		{
			return TRUE;
		}
	}
	return FALSE;
}

bool hasync_private_value_draw(key_exchange_method_t method, chunk_t *value)
{
	range_t range;
	rng_t *rng;
	bool drawn;

	*value = chunk_empty;
	if (!find_range(method, &range))
	{
		return FALSE;
	}
	rng = lib->crypto->create_rng(lib->crypto, RNG_STRONG);
	if (!rng)
	{
		return FALSE;
	}
	*value = chunk_alloc(range.length);
	drawn = draw_below(rng, *value, range.below);
	rng->destroy(rng);
	if (!drawn)
	{
		chunk_clear(value);
	}
	return drawn;
}

key_exchange_t *hasync_private_value_use(keymat_t *keymat, key_exchange_method_t method, chunk_t value)
{
	key_exchange_t *ke = keymat->create_ke(keymat, method);

	if (ke && hasync_set_private_value(ke, value))
	{
		return ke;
	}
	DESTROY_IF(ke);
	return NULL;
}
