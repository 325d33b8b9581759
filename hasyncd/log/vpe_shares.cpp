#include "hasyncd/log/vpe_shares.h"

#include <algorithm>

namespace hasync::hasyncd {

bool VpeShares::hold(EspSpi spi, SaId sa, bool old) {
  const auto [at, is_new] = children_.try_emplace(spi);
  Child& child = at->second;
  child.named.insert(sa);
  child.holder = sa;
  if (!is_new) return false;
  if (old) {
    child.taken.fill(kVpeSpent);
  } else {
    for (const auto& [id, node] : nodes_) ++child.taken.at(node.place);
  }
  return true;
}

bool VpeShares::let_go(EspSpi spi, SaId sa) {
  const auto child = children_.find(spi);
  if (child == children_.end()) return false;
  child->second.named.erase(sa);
  if (!child->second.named.empty()) {
    if (child->second.holder == sa) child->second.holder = *child->second.named.rbegin();
    return false;
  }
  children_.erase(child);
  return true;
}

bool VpeShares::begin(NodeId node, std::uint64_t session) {
  if (!nodes_.contains(node) && nodes_.size() == vpe::kNodes) return false;
  // A place is a node's for as long as this state lasts, whatever the configuration says.
  const auto place = static_cast<std::uint8_t>(nodes_.size());
  VpeNode& here = nodes_.try_emplace(node, VpeNode{node, place}).first->second;
  if (std::exchange(here.session, session) == session) return true;
  for (auto& [spi, child] : children_) {
    std::uint8_t& taken = child.taken.at(here.place);
    if (taken < kVpeSpent) ++taken;
  }
  return true;
}

std::optional<vpe::Place> VpeShares::share(EspSpi spi, NodeId node, std::uint64_t session) const {
  const auto child = children_.find(spi);
  const auto here = nodes_.find(node);
  if (child == children_.end() || here == nodes_.end() || here->second.session != session) return {};
  const std::uint8_t taken = child->second.taken.at(here->second.place);
  if (taken == 0 || taken >= kVpeSpent) return {};
  return vpe::Place{here->second.place, static_cast<std::uint8_t>(taken - 1)};
}

bool VpeShares::wants_rekey(EspSpi spi) const {
  const auto child = children_.find(spi);
  return child != children_.end() &&
         std::ranges::any_of(child->second.taken, [](std::uint8_t taken) { return taken >= vpe::kRekeyAt; });
}

std::optional<SaId> VpeShares::holder(EspSpi spi) const {
  const auto child = children_.find(spi);
  return child == children_.end() ? std::nullopt : std::optional{child->second.holder};
}

std::vector<EspSpi> VpeShares::all() const {
  std::vector<EspSpi> out;
  for (const auto& [spi, child] : children_) out.push_back(spi);
  return out;
}

std::uint64_t VpeShares::session(NodeId node) const {
  const auto here = nodes_.find(node);
  return here == nodes_.end() ? 0 : here->second.session;
}

void VpeShares::adopt(const VpeTaken& taken, SaId holder) {
  Child& child = children_[taken.spi];
  child.taken = taken.taken;
  child.holder = holder;
}

void VpeShares::adopt(EspSpi spi, SaId named_by) {
  const auto [at, is_new] = children_.try_emplace(spi);
  if (is_new) at->second.taken.fill(kVpeSpent);
  at->second.named.insert(named_by);
}

}  // namespace hasync::hasyncd
