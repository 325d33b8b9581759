/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connections.h"

#include "convert.h"
#include "frame.h"

#include <config/backend_manager.h>
#include <config/peer_cfg.h>
#include <kernel/kernel_interface.h>

/* Half of what a frame has room for. */
#define MAX_BYTES (HASYNC_FRAME_MAX / 2)
#define MAX_CONNECTIONS 4096

static ProtobufCBinaryData copy(hasync_arena_t *arena, char *text, size_t *bytes)
{
	chunk_t chunk = text ? chunk_from_str(text) : chunk_empty;

	*bytes += chunk.len + 8; /* and what Protobuf adds */
	return hasync_from_chunk(arena, chunk);
}

static Hasync__Proto__Connection *connection_of(peer_cfg_t *peer_cfg, hasync_arena_t *arena, size_t *bytes)
{
	Hasync__Proto__Connection *connection = hasync_arena_take(arena, sizeof(*connection));
	ike_cfg_t *ike_cfg = peer_cfg->get_ike_cfg(peer_cfg);
	enumerator_t *enumerator;
	child_cfg_t *child_cfg;
	size_t room = 0;

	hasync__proto__connection__init(connection);
	connection->name = copy(arena, peer_cfg->get_name(peer_cfg), bytes);
	connection->remote = copy(arena, ike_cfg->get_other_addr(ike_cfg), bytes);
	enumerator = peer_cfg->create_child_cfg_enumerator(peer_cfg);
	while (enumerator->enumerate(enumerator, &child_cfg))
	{
		room++;
	}
	enumerator->destroy(enumerator);
	connection->children = hasync_arena_take(arena, (room + 1) * sizeof(*connection->children));
	enumerator = peer_cfg->create_child_cfg_enumerator(peer_cfg);
	while (connection->n_children < room && enumerator->enumerate(enumerator, &child_cfg))
	{
		connection->children[connection->n_children++] = copy(arena, child_cfg->get_name(child_cfg), bytes);
	}
	enumerator->destroy(enumerator);
	return connection;
}

void hasync_tell_connections(Hasync__Proto__HelloReply *hello, hasync_arena_t *arena)
{
	enumerator_t *enumerator;
	peer_cfg_t *peer_cfg;
	size_t bytes = 0;

	hello->spi_min = lib->settings->get_int(lib->settings, "%s.spi_min", KERNEL_SPI_MIN, lib->ns);
	hello->spi_max = lib->settings->get_int(lib->settings, "%s.spi_max", KERNEL_SPI_MAX, lib->ns);
	hello->connections = hasync_arena_take(arena, MAX_CONNECTIONS * sizeof(*hello->connections));
	enumerator =
		charon->backends->create_peer_cfg_enumerator(charon->backends, NULL, NULL, NULL, NULL, IKE_ANY);
	while (enumerator->enumerate(enumerator, &peer_cfg))
	{
		if (hello->n_connections < MAX_CONNECTIONS && bytes < MAX_BYTES)
		{
			hello->connections[hello->n_connections++] = connection_of(peer_cfg, arena, &bytes);
		}
		else
		{
			hello->connections_left_out++;
		}
	}
	enumerator->destroy(enumerator);
}
