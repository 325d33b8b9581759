#include "vped/tunnel.h"

#include <algorithm>

namespace hasync::vped {
namespace {

bool among(const std::vector<Prefix>& prefixes, const Address& address) {
  return std::ranges::any_of(prefixes, [&](const Prefix& one) { return one.contains(address); });
}

}  // namespace

Routes::Routes(std::span<const Tunnel> tunnels) : tunnels_(tunnels) {
  for (std::size_t i = 0; i < tunnels.size(); ++i) {
    if (!tunnels[i].sends) continue;
    for (const Prefix& remote : tunnels[i].remote) routes_.push_back({remote, i});
  }
  std::ranges::stable_sort(routes_, std::ranges::greater{},
                           [](const Route& route) { return route.remote.bits; });
}

std::optional<std::size_t> Routes::find(const Address& source, const Address& destination) const {
  for (const Route& route : routes_)
    if (route.remote.contains(destination) && among(tunnels_[route.tunnel].local, source))
      return route.tunnel;
  return std::nullopt;
}

bool Routes::is_own(std::size_t tunnel, vpe::SenderId sender) const {
  return tunnels_[tunnel].is_group() && tunnels_[tunnel].sender == sender;
}

bool Routes::may_come(std::size_t tunnel, const Address& source, const Address& destination) const {
  const Tunnel& one = tunnels_[tunnel];
  if (one.is_group()) return among(one.local, source) && among(one.remote, destination);
  return among(one.remote, source) && among(one.local, destination);
}

}  // namespace hasync::vped
