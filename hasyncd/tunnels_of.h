// The daemon's tunnels as the operator sees them. With many, telling of all at once would take longer than
// the owner may be silent: they are told page by page, in the order of their SPIs.
#pragma once

#include <optional>
#include <string>

#include "hasyncd/daemon.h"
#include "hasyncd/status.h"

namespace hasync::hasyncd {

inline constexpr std::size_t kTunnelsPerPage = 100;

// Those behind `after`, which need not exist (any more).
TunnelPage tunnel_page(const Daemon& daemon, std::optional<SaId> after);

// By its SPIs, the initiator's alone, or the peer's address or identity, or the connection: the first that
// fits.
std::optional<TunnelStatus> tunnel_named(const Daemon& daemon, const std::string& name);

std::size_t count_tunnels(const Daemon& daemon);
std::size_t count_unprotected(const Daemon& daemon);  // of these, what the loss of this node would end

}  // namespace hasync::hasyncd
