/*
 * Private values of Diffie-Hellman key exchanges that are drawn here instead of inside charon's objects,
 * which take one but never give theirs away.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_PRIVATE_VALUE_H_
#define HASYNC_PRIVATE_VALUE_H_

#include "charon_types.h"

/* A value for this method, to be wiped by the caller. FALSE if the method is not known, or has none. */
bool hasync_private_value_draw(key_exchange_method_t method, chunk_t *value);

/* A key exchange of this keymat with this value; NULL if it does not take it. */
key_exchange_t *hasync_private_value_use(keymat_t *keymat, key_exchange_method_t method, chunk_t value);

#endif
