#include "hasyncd/tunnels_of.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <vector>

namespace hasync::hasyncd {
namespace {

using Contexts = std::map<SaId, Delta>;

bool keyless(const Daemon& daemon, SaId sa) {
  return daemon.charon() != nullptr && daemon.charon()->keyless().contains(sa);
}

bool stationary(const Daemon& daemon, SaId sa) {
  return daemon.charon() != nullptr && daemon.charon()->stationary().contains(sa);
}

// What its peer is called, from wherever it is known.
void name(const Daemon& daemon, TunnelStatus& tunnel) {
  if (daemon.charon() == nullptr) return;
  if (const auto* view = daemon.charon()->view(tunnel.sa)) {
    tunnel.connection = view->connection;
    tunnel.remote_id = view->remote_id;
    if (tunnel.is_protected) return;
    tunnel.peer = view->peer;
    tunnel.children = static_cast<std::uint32_t>(view->children.size());
  }
  const auto summary = daemon.charon()->keyless().find(tunnel.sa);
  if (summary == daemon.charon()->keyless().end()) return;
  tunnel.connection = summary->second.connection;
  tunnel.remote_id = summary->second.remote_id;
  tunnel.children = summary->second.children;
}

TunnelStatus unprotected(const Daemon& daemon, SaId sa) {
  return {.sa = sa,
          .reason = keyless(daemon, sa) ? "made before the plugin was loaded; it is being rekeyed"
                                        : "its context is not in the log yet",
          .owner = daemon.config().node,
          .here = "active"};
}

VpeStatus vpe_status(const VpeShares& shares, EspSpi spi) {
  VpeStatus out{.spi = spi};
  for (const auto& [id, node] : shares.nodes()) {
    if (const auto share = shares.share(spi, id, node.session))
      out.nodes.push_back({id, share->node, share->incarnation});
  }
  return out;
}

TunnelStatus logged(const Daemon& daemon, const Delta& delta) {
  const Node& node = daemon.node();
  TunnelStatus out{.sa = delta.sa, .peer = delta.peer, .version = delta.version};
  out.is_protected = !stationary(daemon, delta.sa);
  if (!out.is_protected) out.reason = "its IKE_SA is on an address that no other node takes over";
  out.children = static_cast<std::uint32_t>(delta.outbound.size());
  for (const OutboundSa& child : delta.outbound) {
    if (child.vpe) out.vpe.push_back(vpe_status(node.replica().vpe(), child.key.spi));
    const auto lease = node.replica().leases().find(child.key);
    if (lease == node.replica().leases().end()) continue;
    out.leases.push_back({child.key, child.esn, daemon.left(child.key), lease->second.end});
  }
  if (node.replica().owner().node != kNobody) out.owner = node.replica().owner().node;
  const auto held = node.held(delta.sa);
  out.here = !held ? "absent" : *held ? "active" : "passive";
  return out;
}

TunnelStatus tunnel_status(const Daemon& daemon, SaId sa) {
  const Contexts& contexts = daemon.node().replica().contexts();
  const auto delta = contexts.find(sa);
  TunnelStatus out = delta == contexts.end() || keyless(daemon, sa) ? unprotected(daemon, sa)
                                                                    : logged(daemon, delta->second);
  name(daemon, out);
  return out;
}

// Those behind `after`, up to `last`.
std::set<SaId> ids_unprotected(const Daemon& daemon, std::optional<SaId> after = {},
                               std::optional<SaId> last = {}) {
  std::set<SaId> out;
  if (daemon.charon() == nullptr) return out;
  const auto add = [&](const auto& ordered, const auto& id_of) {
    const auto end = last ? ordered.upper_bound(*last) : ordered.end();
    for (auto it = after ? ordered.upper_bound(*after) : ordered.begin(); it != end; ++it)
      out.insert(id_of(*it));
  };
  for (const SaId sa : daemon.node().unlogged(after, last)) out.insert(sa);
  add(daemon.charon()->keyless(), [](const auto& entry) { return entry.first; });
  add(daemon.charon()->stationary(), std::identity{});
  return out;
}

// Of both kinds, in order, the first that are behind `after`. Looks no further than they reach.
std::set<SaId> next_ids(const Daemon& daemon, std::optional<SaId> after, std::size_t count) {
  std::set<SaId> out;
  const Contexts& contexts = daemon.node().replica().contexts();
  auto it = after ? contexts.upper_bound(*after) : contexts.begin();
  for (; it != contexts.end() && out.size() < count; ++it) out.insert(it->first);
  const std::optional<SaId> last = out.size() < count ? std::nullopt : std::optional{*out.rbegin()};
  out.merge(ids_unprotected(daemon, after, last));
  while (out.size() > count) out.erase(std::prev(out.end()));
  return out;
}

bool is_called(const Daemon& daemon, SaId sa, const std::string& name,
               const std::optional<Address>& address) {
  const std::string id = to_string(sa);
  if (id == name || id.substr(0, id.find('_')) == name) return true;
  const Contexts& contexts = daemon.node().replica().contexts();
  const auto delta = contexts.find(sa);
  if (address && delta != contexts.end() && delta->second.peer == *address) return true;
  if (daemon.charon() == nullptr) return false;
  const auto* view = daemon.charon()->view(sa);
  if (view != nullptr && (view->connection == name || view->remote_id == name || view->peer == address))
    return true;
  const auto summary = daemon.charon()->keyless().find(sa);
  return summary != daemon.charon()->keyless().end() &&
         (summary->second.connection == name || summary->second.remote_id == name);
}

}  // namespace

std::size_t count_unprotected(const Daemon& daemon) {
  return ids_unprotected(daemon).size();
}

std::size_t count_tunnels(const Daemon& daemon) {
  const Contexts& contexts = daemon.node().replica().contexts();
  const std::set<SaId> others = ids_unprotected(daemon);
  return contexts.size() + static_cast<std::size_t>(std::ranges::count_if(
                               others, [&](SaId sa) { return !contexts.contains(sa); }));
}

std::optional<TunnelStatus> tunnel_named(const Daemon& daemon, const std::string& name) {
  const Result<Address> parsed = Address::parse(name);
  const std::optional<Address> address = parsed ? std::optional{*parsed} : std::nullopt;
  for (const auto& [sa, delta] : daemon.node().replica().contexts()) {
    if (is_called(daemon, sa, name, address)) return tunnel_status(daemon, sa);
  }
  for (const SaId sa : ids_unprotected(daemon)) {
    if (is_called(daemon, sa, name, address)) return tunnel_status(daemon, sa);
  }
  return std::nullopt;
}

TunnelPage tunnel_page(const Daemon& daemon, std::optional<SaId> after) {
  std::set<SaId> ids = next_ids(daemon, after, kTunnelsPerPage + 1);
  TunnelPage out;
  if (ids.size() > kTunnelsPerPage) {
    ids.erase(std::prev(ids.end()));
    out.next = *ids.rbegin();
  }
  for (const SaId sa : ids) out.tunnels.push_back(tunnel_status(daemon, sa));
  return out;
}

}  // namespace hasync::hasyncd
