/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "libipsec_numbers.h"

#include "numbers.h"

#include <dlfcn.h>
#include <ipsec.h>

/* counting further than this takes longer than a PUT may: some 5 ns each */
#define COUNT_MAX (1U << 24)

/* of libipsec's inbound SAs, unless configured */
#define WINDOW 128

/* libipsec.so lies in a directory of its own and is not linked: it is there if charon's backend has loaded
 * it. */
static ipsec_t *library()
{
	void *handle = dlopen("libipsec.so.0", RTLD_LAZY | RTLD_NOLOAD);
	ipsec_t **instance = NULL;

	if (handle)
	{
		instance = dlsym(handle, "ipsec");
		dlclose(handle);
	}
	return instance ? *instance : NULL;
}

static ipsec_sa_t *checkout(ipsec_t *lib_ipsec, ike_sa_t *ike_sa, child_sa_t *child_sa, bool inbound)
{
	host_t *destination = inbound ? ike_sa->get_my_host(ike_sa) : ike_sa->get_other_host(ike_sa);

	return lib_ipsec->sas->checkout_by_spi(lib_ipsec->sas, child_sa->get_spi(child_sa, inbound), destination);
}

static void read_window(esp_context_t *esp, hasync_xfrm_ae_t *state)
{
	uint32_t offset, place;

	state->inbound = esp->get_seqno(esp);
	state->window = WINDOW;
	state->words = WINDOW / 32;
	state->esn_format = TRUE;
	for (offset = 0; offset < WINDOW && offset < state->inbound; offset++)
	{
		if (!esp->verify_seqno(esp, state->inbound - offset))
		{
			place = (uint32_t)(state->inbound - 1 - offset) % WINDOW;
			state->bitmap[place / 32] |= 1U << (place % 32);
		}
	}
}

static void write_window(esp_context_t *esp, const Hasync__Proto__ChildSa *child)
{
	uint32_t words[HASYNC_XFRM_BITMAP_WORDS], offset;
	hasync_window_t window = hasync_window_of_context(child, words);

	for (offset = 0; offset < WINDOW && offset < child->inbound_top; offset++)
	{
		if (hasync_window_seen(&window, offset))
		{
			esp->set_authenticated_seqno(esp, child->inbound_top - offset);
		}
	}
}

bool hasync_libipsec_get(ike_sa_t *ike_sa, child_sa_t *child_sa, bool inbound, hasync_xfrm_ae_t *state)
{
	ipsec_t *lib_ipsec = library();
	ipsec_sa_t *sa = lib_ipsec ? checkout(lib_ipsec, ike_sa, child_sa, inbound) : NULL;
	esp_context_t *esp;

	if (!sa)
	{
		return FALSE;
	}
	esp = sa->get_esp_context(sa);
	if (inbound)
	{
		read_window(esp, state);
	}
	else
	{
		state->outbound = esp->get_seqno(esp);
	}
	state->has_lifetime = TRUE;
	sa->get_usestats(sa, &state->bytes, &state->packets, NULL);
	lib_ipsec->sas->checkin(lib_ipsec->sas, sa);
	return TRUE;
}

static bool count_up(esp_context_t *esp, uint64_t number)
{
	uint32_t current = esp->get_seqno(esp);

	if (number > UINT32_MAX || (number > current && number - current > COUNT_MAX))
	{
		return FALSE;
	}
	while (current < number)
	{
		if (!esp->next_seqno(esp, &current))
		{
			return FALSE;
		}
	}
	return TRUE;
}

bool hasync_libipsec_set(ike_sa_t *ike_sa, child_sa_t *child_sa, const Hasync__Proto__ChildSa *child,
						 hasync_error_t *error)
{
	ipsec_t *lib_ipsec = library();
	ipsec_sa_t *sa = lib_ipsec ? checkout(lib_ipsec, ike_sa, child_sa, FALSE) : NULL;
	bool set = FALSE;

	if (sa)
	{
		set = count_up(sa->get_esp_context(sa), child->outbound_number);
		lib_ipsec->sas->checkin(lib_ipsec->sas, sa);
	}
	if (set && child->inbound_top && child->inbound_top <= UINT32_MAX)
	{
		sa = checkout(lib_ipsec, ike_sa, child_sa, TRUE);
		if (sa)
		{
			write_window(sa->get_esp_context(sa), child);
			lib_ipsec->sas->checkin(lib_ipsec->sas, sa);
		}
	}
	return set ||
		   hasync_fail(error, HASYNC__PROTO__ERROR_CODE__INSTALL_FAILED,
					   "numbers of outbound SA %08x: libipsec does not take %llu",
					   ntohl(child_sa->get_spi(child_sa, FALSE)), (unsigned long long)child->outbound_number);
}
