#include "hasyncd/fence/silence.h"

#include <algorithm>
#include <utility>

namespace hasync::hasyncd {

void Silence::watch(const std::vector<NodeId>& nodes, Instant now) {
  std::erase_if(watched_,
                [&](const auto& item) { return std::ranges::find(nodes, item.first) == nodes.end(); });
  for (const NodeId node : nodes) watched_.try_emplace(node, Watched{now, {}});
}

void Silence::heard(NodeId node, bool deaf, Instant now) {
  const auto known = watched_.find(node);
  if (known == watched_.end()) return;
  Watched& watched = known->second;
  watched.last = std::max(watched.last, now);
  watched.forgiven = false;
  if (!deaf) {
    watched.deaf_since.reset();
  } else if (!watched.deaf_since) {
    watched.deaf_since = now;
  }
}

void Silence::forgive(Duration gap, Instant now) {
  for (auto& [node, watched] : watched_) {
    if (std::exchange(watched.forgiven, true)) continue;
    watched.last = std::min(watched.last + gap, now);
    if (watched.deaf_since) watched.deaf_since = std::min(*watched.deaf_since + gap, now);
  }
}

std::vector<NodeId> Silence::silent(Instant now) const {
  std::vector<NodeId> out;
  for (const auto& [node, watched] : watched_) {
    if (now - watched.deaf_since.value_or(watched.last) > limit_) out.push_back(node);
  }
  return out;
}

std::size_t Silence::heard_within(Duration time, Instant now) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(watched_, [&](const auto& item) { return now - item.second.last <= time; }));
}

std::optional<Instant> Silence::last_heard(NodeId node) const {
  const auto known = watched_.find(node);
  return known == watched_.end() ? std::nullopt : std::optional{known->second.last};
}

}  // namespace hasync::hasyncd
