/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "numbers.h"

#include "libipsec_numbers.h"

#include <threading/mutex.h>
#include <time.h>
#include <unistd.h>

#define INSTALL_FAILED HASYNC__PROTO__ERROR_CODE__INSTALL_FAILED

static int netlink = -1;
static mutex_t *lock;

hasync_window_t hasync_window_of_context(const Hasync__Proto__ChildSa *child,
										 uint32_t words[HASYNC_XFRM_BITMAP_WORDS])
{
	hasync_window_t window = {
		.ring = child->esn || child->replay_window > 32,
		.top = child->inbound_top,
		.window = child->replay_window,
		.words = words,
		.count = min(child->replay_bitmap.len / sizeof(uint32_t), HASYNC_XFRM_BITMAP_WORDS),
	};
	size_t i;

	if (window.count)
	{
		memcpy(words, child->replay_bitmap.data, window.count * sizeof(uint32_t));
	}
	for (i = 0; i < window.count; i++)
	{
		words[i] = le32toh(words[i]);
	}
	return window;
}

static bool uses_libipsec()
{
	/* the one backend that cannot do without UDP encapsulation */
	return (charon->kernel->get_features(charon->kernel) & KERNEL_REQUIRE_UDP_ENCAPSULATION) != 0;
}

bool hasync_numbers_init()
{
	lock = mutex_create(MUTEX_TYPE_DEFAULT);
	netlink = hasync_xfrm_open();
	if (netlink < 0 && !uses_libipsec())
	{
		DBG1(DBG_CFG, "hasync: no access to the kernel's SAs: %s", strerror(-netlink));
		return FALSE;
	}
	return TRUE;
}

void hasync_numbers_deinit()
{
	if (netlink >= 0)
	{
		close(netlink);
		netlink = -1;
	}
	DESTROY_IF(lock);
	lock = NULL;
}

static hasync_xfrm_sa_t identify(ike_sa_t *ike_sa, child_sa_t *child_sa, bool inbound)
{
	host_t *destination = inbound ? ike_sa->get_my_host(ike_sa) : ike_sa->get_other_host(ike_sa);
	child_cfg_t *config = child_sa->get_config(child_sa);
	chunk_t address = destination->get_address(destination);
	hasync_xfrm_sa_t sa = {
		.family = destination->get_family(destination),
		.protocol = child_sa->get_protocol(child_sa) == PROTO_AH ? IPPROTO_AH : IPPROTO_ESP,
		.spi = ntohl(child_sa->get_spi(child_sa, inbound)),
	};
	mark_t mark = child_sa->get_mark(child_sa, inbound);

	memcpy(sa.destination, address.ptr, min(address.len, sizeof(sa.destination)));
	/* charon marks inbound SAs only if told to */
	if (!inbound || config->has_option(config, OPT_MARK_IN_SA))
	{
		sa.mark = mark.value;
		sa.mask = mark.mask;
	}
	return sa;
}

static int kernel_get(const hasync_xfrm_sa_t *sa, hasync_xfrm_ae_t *state)
{
	int error;

	lock->lock(lock);
	error = hasync_xfrm_get(netlink, sa, state);
	lock->unlock(lock);
	return error;
}

static int kernel_set(const hasync_xfrm_sa_t *sa, const hasync_xfrm_ae_t *state)
{
	int error;

	lock->lock(lock);
	error = hasync_xfrm_set(netlink, sa, state);
	lock->unlock(lock);
	return error;
}

bool hasync_numbers_reserve(host_t *source, host_t *destination, uint8_t protocol, uint32_t spi)
{
	chunk_t from = source->get_address(source), to = destination->get_address(destination);
	hasync_xfrm_sa_t sa = {
		.family = destination->get_family(destination),
		.protocol = protocol,
		.spi = ntohl(spi),
	};
	int error;

	if (uses_libipsec())
	{
		/* installs SAs whose SPI was not reserved as well */
		return TRUE;
	}
	memcpy(sa.destination, to.ptr, min(to.len, sizeof(sa.destination)));
	lock->lock(lock);
	error = hasync_xfrm_reserve(netlink, &sa, from.ptr);
	lock->unlock(lock);
	if (error)
	{
		DBG1(DBG_KNL, "hasync: SPI %08x cannot be had: %s", sa.spi, strerror(-error));
	}
	return !error;
}

bool hasync_numbers_get(ike_sa_t *ike_sa, child_sa_t *child_sa, bool inbound, hasync_xfrm_ae_t *state)
{
	hasync_xfrm_sa_t sa;

	memset(state, 0, sizeof(*state));
	if (uses_libipsec())
	{
		return hasync_libipsec_get(ike_sa, child_sa, inbound, state);
	}
	sa = identify(ike_sa, child_sa, inbound);
	if (kernel_get(&sa, state) != 0)
	{
		memset(state, 0, sizeof(*state));
		return FALSE;
	}
	if (!state->esn_format)
	{
		child_cfg_t *config = child_sa->get_config(child_sa);

		state->window = config->get_replay_window(config);
	}
	return TRUE;
}

/* Makes the SA's lifetime end when the context says: the kernel counts it from add_time. */
static void shift_lifetime(child_sa_t *child_sa, const Hasync__Proto__ChildSa *child,
						   const Hasync__Proto__Usage *usage, hasync_xfrm_ae_t *state)
{
	time_t now = time_monotonic(NULL), expires = child_sa->get_lifetime(child_sa, TRUE);

	state->has_lifetime = TRUE;
	if (usage)
	{
		state->bytes = usage->bytes;
		state->packets = usage->packets;
	}
	if (child->delete_in && expires)
	{
		/* at least a second is left, so that charon hears of the end */
		state->add_time -= max(0, (int64_t)(expires - now) - max(1, child->delete_in->seconds));
	}
}

static void fill_window(hasync_xfrm_ae_t *state, child_sa_t *child_sa, const Hasync__Proto__ChildSa *child)
{
	child_cfg_t *config = child_sa->get_config(child_sa);
	uint32_t words[HASYNC_XFRM_BITMAP_WORDS];
	hasync_window_t from = hasync_window_of_context(child, words);
	hasync_window_t to = {
		.ring = state->esn_format,
		.window = state->esn_format ? state->window : config->get_replay_window(config),
		.words = state->bitmap,
		.count = state->words,
	};

	hasync_window_convert(&from, &to);
	state->inbound = child->inbound_top;
}

static bool set_direction(ike_sa_t *ike_sa, child_sa_t *child_sa, const Hasync__Proto__ChildSa *child,
						  bool inbound, hasync_error_t *error)
{
	hasync_xfrm_sa_t sa = identify(ike_sa, child_sa, inbound);
	hasync_xfrm_ae_t state;
	int failure;

	/* what the kernel made of it tells form and window, which NEWAE has to repeat */
	failure = kernel_get(&sa, &state);
	if (!failure)
	{
		if (inbound)
		{
			fill_window(&state, child_sa, child);
		}
		else
		{
			state.outbound = child->outbound_number;
		}
		shift_lifetime(child_sa, child, inbound ? child->inbound_usage : child->outbound_usage, &state);
		failure = kernel_set(&sa, &state);
	}
	return !failure || hasync_fail(error, INSTALL_FAILED, "numbers of %s SA %08x: %s",
								   inbound ? "inbound" : "outbound", sa.spi, strerror(-failure));
}

bool hasync_numbers_set(ike_sa_t *ike_sa, child_sa_t *child_sa, const Hasync__Proto__ChildSa *child,
						hasync_error_t *error)
{
	if (uses_libipsec())
	{
		return hasync_libipsec_set(ike_sa, child_sa, child, error);
	}
	return set_direction(ike_sa, child_sa, child, TRUE, error) &&
		   set_direction(ike_sa, child_sa, child, FALSE, error);
}
