/*
 * A charon plugin of the tests: loads the plugin `hasync` when charon gets SIGUSR1. charon itself loads
 * plugins at its start only; so this is how an IKE_SA comes to be older than the plugin.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <library.h>
#include <plugins/plugin.h>
#include <signal.h>
#include <unistd.h>

static int wake_up[2];

static void on_signal(int number) {
  if (write(wake_up[1], "", 1) != 1) {
    _exit(1);
  }
}

static bool load_hasync(void* data, int fd, watcher_event_t event) {
  char byte;

  return read(fd, &byte, 1) == 1 && !lib->plugins->load(lib->plugins, "hasync");
}

static bool listen_for_signal(plugin_t* this, plugin_feature_t* feature, bool reg, void* data) {
  struct sigaction action = {.sa_handler = on_signal};

  if (!reg) {
    lib->watcher->remove(lib->watcher, wake_up[0]);
    return TRUE;
  }
  if (pipe(wake_up) != 0 || sigaction(SIGUSR1, &action, NULL) != 0) {
    return FALSE;
  }
  lib->watcher->add(lib->watcher, wake_up[0], WATCHER_READ, load_hasync, NULL);
  return TRUE;
}

METHOD(plugin_t, get_name, char*, plugin_t* this) {
  return "late";
}

METHOD(plugin_t, get_features, int, plugin_t* this, plugin_feature_t* features[]) {
  /* clang-format off */
	static plugin_feature_t f[] = {
		PLUGIN_CALLBACK((plugin_feature_callback_t)listen_for_signal, NULL),
			PLUGIN_PROVIDE(CUSTOM, "late"),
	};
  /* clang-format on */

  *features = f;
  return countof(f);
}

METHOD(plugin_t, destroy, void, plugin_t* this) {
  free(this);
}

plugin_t* late_plugin_create() {
  plugin_t* this;

  /* clang-format off */
	INIT(this,
		.get_name = _get_name,
		.get_features = _get_features,
		.destroy = _destroy,
	);
  /* clang-format on */
  return this;
}
