#include "clusterip/slot_table.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace hasync::clusterip {
namespace {

std::string name(const SaKey& sa) {
  std::array<char, 16> spi{};
  std::snprintf(spi.data(), spi.size(), "%08" PRIx32, sa.spi.value);
  return "SA " + std::string(spi.data()) + " to " + to_string(sa.destination);
}

}  // namespace

Slot* SlotTable::find(const SaKey& sa) {
  const auto found = slots_.find(sa);
  return found == slots_.end() ? nullptr : &found->second;
}

const Slot* SlotTable::find(const SaKey& sa) const {
  const auto found = slots_.find(sa);
  return found == slots_.end() ? nullptr : &found->second;
}

Slot& SlotTable::add(const SaKey& sa, Limits limits) {
  Slot slot{.index = never_used_, .generation = 1, .limits = limits, .closed = false};
  if (never_used_ < capacity_) {
    ++never_used_;
  } else {
    slot.index = freed_.front().index;
    slot.generation = freed_.front().generation + 1;
    freed_.pop_front();
  }
  return slots_.emplace(sa, slot).first->second;
}

void SlotTable::remove(const SaKey& sa) {
  const auto found = slots_.find(sa);
  if (found == slots_.end()) return;
  freed_.push_back(found->second);
  slots_.erase(found);
}

Status check_limits(const SaLimits& sa) {
  const auto [floor, ceiling] = sa.limits;
  if (ceiling < floor) {
    return invalid(name(sa.sa) + ": ceiling " + std::to_string(ceiling) + " is below floor " +
                   std::to_string(floor));
  }
  if (ceiling - floor > kMaxWidth) {
    return invalid(name(sa.sa) + ": floor " + std::to_string(floor) + " and ceiling " +
                   std::to_string(ceiling) + " are more than 2^31 - 1 apart");
  }
  return Done{};
}

Result<Limits> raised(const Limits& current, const SaCeiling& to) {
  if (to.ceiling < current.ceiling) {
    return invalid(name(to.sa) + ": ceiling " + std::to_string(to.ceiling) + " is below the present one, " +
                   std::to_string(current.ceiling));
  }
  if (to.ceiling - current.ceiling > kMaxRaise) {
    return invalid(name(to.sa) + ": ceiling rises by " + std::to_string(to.ceiling - current.ceiling) +
                   ", allowed is 2^30 at once");
  }
  const std::uint64_t lowest = to.ceiling > kMaxWidth ? to.ceiling - kMaxWidth : 0;
  return Limits{.floor = std::max(current.floor, lowest), .ceiling = to.ceiling};
}

std::uint64_t widen(std::uint32_t number, std::uint64_t near) {
  const auto distance = static_cast<std::int32_t>(number - static_cast<std::uint32_t>(near));
  return near + static_cast<std::uint64_t>(static_cast<std::int64_t>(distance));
}

}  // namespace hasync::clusterip
