#include "hasyncd/log/ended_leases.h"

#include <algorithm>

namespace hasync::hasyncd {

void EndedLeases::remember(const EndedLease& ended) {
  Memory& memory = memories_[ended.spi];
  turns_.erase(memory.turn);
  memory = {std::max(memory.end, ended.end), ++turn_};
  turns_.emplace(turn_, ended.spi);
  if (turns_.size() <= kRemembered) return;
  memories_.erase(turns_.begin()->second);
  turns_.erase(turns_.begin());
}

std::uint64_t EndedLeases::end_of(EspSpi spi) const {
  const auto memory = memories_.find(spi);
  return memory == memories_.end() ? 0 : memory->second.end;
}

std::vector<EndedLease> EndedLeases::all() const {
  std::vector<EndedLease> out;
  for (const auto& [turn, spi] : turns_) out.push_back({spi, memories_.at(spi).end});
  return out;
}

}  // namespace hasync::hasyncd
