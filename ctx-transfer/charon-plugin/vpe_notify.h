/*
 * VPE's notifies (docs/decisions/0012-vpe-keys.md, 0015-fresh-windows.md): of the private range of status
 * types (RFC 7296, section 3.10.1), so their data begins with what tells them from others' of the same
 * number: `VPE` and a version.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_VPE_NOTIFY_H_
#define HASYNC_VPE_NOTIFY_H_

#include "charon_types.h"

#define HASYNC_NOTIFY_VPE 51797
#define HASYNC_NOTIFY_VPE_FRESH 51798

void hasync_vpe_notify_add(message_t *message, notify_type_t type, chunk_t body);

/* Points into the message. FALSE: there is none, or it is somebody else's. */
bool hasync_vpe_notify_get(message_t *message, notify_type_t type, chunk_t *body);

#endif
