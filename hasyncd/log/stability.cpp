#include "hasyncd/log/stability.h"

#include <algorithm>

namespace hasync::hasyncd {

void Stability::install(const Install& install) {
  epoch_ = install.epoch;
  acknowledged_.clear();
  for (const EpochMember& member : install.members) acknowledged_.emplace(member.process, 0);
}

void Stability::acknowledged(Process by, Epoch epoch, std::uint64_t index) {
  if (epoch != epoch_) return;
  const auto known = acknowledged_.find(by);
  if (known != acknowledged_.end()) known->second = std::max(known->second, index);
}

std::uint64_t Stability::stable() const {
  const auto lowest = std::ranges::min_element(acknowledged_, {}, [](const auto& item) { return item.second; });
  return lowest == acknowledged_.end() ? 0 : lowest->second;
}

}  // namespace hasync::hasyncd
