/*
 * The plugin: makes its parts when charon has loaded its kernel backend, and connects them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "charon_types.h"
#include "commit.h"
#include "dispatcher.h"
#include "keymat.h"
#include "listener.h"
#include "numbers.h"
#include "resume.h"
#include "shared.h"

#include <plugins/plugin.h>

#define DEFAULT_SOCKET "unix:///run/charon.hasync"

typedef struct
{
	plugin_t public;
	hasync_dispatcher_t *dispatcher;
	hasync_commit_t *commit;
	hasync_server_t *server;
	hasync_reporter_t *reporter;
	hasync_listener_t *listener;
	hasync_shared_t *shared;
} private_hasync_plugin_t;

METHOD(plugin_t, get_name, char *, private_hasync_plugin_t *this)
{
	return "hasync";
}

static void tear_down(private_hasync_plugin_t *this)
{
	if (this->listener)
	{
		charon->bus->remove_listener(charon->bus, &this->listener->listener);
		hasync_listener_destroy(this->listener);
		this->listener = NULL;
	}
	if (this->server)
	{
		hasync_server_stop(this->server);
	}
	hasync_keymat_unregister();
	if (this->reporter)
	{
		hasync_reporter_destroy(this->reporter);
		this->reporter = NULL;
	}
	if (this->server)
	{
		hasync_server_destroy(this->server);
		this->server = NULL;
	}
	if (this->dispatcher)
	{
		hasync_dispatcher_destroy(this->dispatcher);
		this->dispatcher = NULL;
	}
	if (this->commit)
	{
		hasync_commit_destroy(this->commit);
		this->commit = NULL;
	}
	if (this->shared)
	{
		hasync_shared_destroy(this->shared);
		this->shared = NULL;
	}
	hasync_resume_deinit();
	hasync_numbers_deinit();
}

static bool set_up(private_hasync_plugin_t *this)
{
	char *uri = lib->settings->get_str(lib->settings, "%s.plugins.hasync.socket", DEFAULT_SOCKET, lib->ns);

	if (!hasync_numbers_init())
	{
		return FALSE;
	}
	this->dispatcher = hasync_dispatcher_create();
	this->server = hasync_server_create(uri, hasync_dispatch, hasync_dispatch_urgent, this->dispatcher);
	if (!this->server)
	{
		tear_down(this);
		return FALSE;
	}
	this->shared = hasync_shared_create();
	this->commit = hasync_commit_create(this->server, this->shared);
	this->reporter = hasync_reporter_create(this->server, this->commit);
	this->listener = hasync_listener_create(this->reporter, this->server, this->shared);
	hasync_dispatcher_connect(this->dispatcher, this->server, this->reporter, this->commit, this->shared);
	hasync_resume_init();
	hasync_keymat_register();
	charon->bus->add_listener(charon->bus, &this->listener->listener);
	if (!hasync_server_start(this->server))
	{
		tear_down(this);
		return FALSE;
	}
	DBG1(DBG_CFG, "hasync: %s, listening on %s", HASYNC_VERSION, uri);
	return TRUE;
}

static bool plugin_cb(private_hasync_plugin_t *this, plugin_feature_t *feature, bool reg, void *data)
{
	if (reg)
	{
		return set_up(this);
	}
	tear_down(this);
	return TRUE;
}

METHOD(plugin_t, get_features, int, private_hasync_plugin_t *this, plugin_feature_t *features[])
{
	/* clang-format off */
	static plugin_feature_t f[] = {
		PLUGIN_CALLBACK((plugin_feature_callback_t)plugin_cb, NULL),
			PLUGIN_PROVIDE(CUSTOM, "hasync"),
				PLUGIN_DEPENDS(CUSTOM, "kernel-ipsec"),
				PLUGIN_DEPENDS(CUSTOM, "libcharon-receiver"),
	};
	/* clang-format on */

	*features = f;
	return countof(f);
}

METHOD(plugin_t, destroy, void, private_hasync_plugin_t *this)
{
	free(this);
}

/*
 * Objects of another version may be laid out differently, which no check at compile time can tell. charon's
 * libraries do not say which version they are; its programs have the string in them.
 */
static bool version_fits()
{
	chunk_t *program = chunk_map("/proc/self/exe", FALSE);
	bool fits = program && memmem(program->ptr, program->len, VERSION, sizeof(VERSION));

	if (program)
	{
		chunk_unmap(program);
	}
	return fits;
}

/*
 * charon looks for another way to a peer when an address goes (RFC 4555, section 3.5): it would tell the peer
 * to come to an address of this node's own as soon as the shared one is taken away. Read before any plugin's
 * features are set up.
 */
static void stay_on_address()
{
	lib->settings->set_bool(lib->settings, "%s.plugins.kernel-netlink.roam_events", FALSE, lib->ns);
}

__attribute__((visibility("default"))) plugin_t *hasync_plugin_create()
{
	private_hasync_plugin_t *this;

	if (!version_fits())
	{
		DBG1(DBG_CFG, "hasync: made for strongSwan %s, but this is another version: not loaded", VERSION);
		return NULL;
	}
	stay_on_address();
	/* clang-format off */
	INIT(this,
		.public = {
			.get_name = _get_name,
			.get_features = _get_features,
			.destroy = _destroy,
		},
	);
	/* clang-format on */
	return &this->public;
}
