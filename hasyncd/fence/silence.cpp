#include "hasyncd/fence/silence.h"

#include <algorithm>

namespace hasync::hasyncd {

void Silence::watch(const std::vector<NodeId>& nodes, Instant now) {
  std::erase_if(last_, [&](const auto& item) { return std::ranges::find(nodes, item.first) == nodes.end(); });
  for (const NodeId node : nodes) last_.try_emplace(node, now);
}

void Silence::heard(NodeId node, Instant now) {
  const auto known = last_.find(node);
  if (known != last_.end()) known->second = std::max(known->second, now);
}

void Silence::forgive(Duration gap) {
  for (auto& [node, time] : last_) time += gap;
}

std::vector<NodeId> Silence::silent(Instant now) const {
  std::vector<NodeId> out;
  for (const auto& [node, time] : last_) {
    if (now - time > limit_) out.push_back(node);
  }
  return out;
}

}  // namespace hasync::hasyncd
