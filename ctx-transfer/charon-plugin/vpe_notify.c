/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vpe_notify.h"

/* and the version */
static const chunk_t magic = {(u_char *)"VPE\1", 4};

void hasync_vpe_notify_add(message_t *message, notify_type_t type, chunk_t body)
{
	chunk_t data = chunk_cat("cc", magic, body);

	message->add_notify(message, FALSE, type, data);
	chunk_free(&data);
}

bool hasync_vpe_notify_get(message_t *message, notify_type_t type, chunk_t *body)
{
	notify_payload_t *notify = message->get_notify(message, type);
	chunk_t data = notify ? notify->get_notification_data(notify) : chunk_empty;

	if (data.len < magic.len || memcmp(data.ptr, magic.ptr, magic.len))
	{
		return FALSE;
	}
	*body = chunk_skip(data, magic.len);
	return TRUE;
}
