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

bool Routes::may_come(std::size_t tunnel, const Address& source, const Address& destination) const {
  return among(tunnels_[tunnel].remote, source) && among(tunnels_[tunnel].local, destination);
}

}  // namespace hasync::vped
