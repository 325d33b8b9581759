#include "clusterip/slot_table.h"

#include <algorithm>

namespace hasync::clusterip {

Slot* SlotTable::find(const OutboundKey& sa) {
  const auto found = slots_.find(sa);
  return found == slots_.end() ? nullptr : &found->second;
}

const Slot* SlotTable::find(const OutboundKey& sa) const {
  const auto found = slots_.find(sa);
  return found == slots_.end() ? nullptr : &found->second;
}

Slot& SlotTable::add(const SaLimits& sa) {
  Slot slot{.index = never_used_, .generation = 1};
  if (never_used_ < capacity_) {
    ++never_used_;
  } else {
    slot.index = freed_.front().index;
    slot.generation = freed_.front().generation + 1;
    freed_.pop_front();
  }
  const auto added = slots_.emplace(sa.key, changed(slot, sa, 0)).first;
  keys_.resize(never_used_);
  keys_[slot.index] = &added->first;
  return added->second;
}

void SlotTable::remove(const OutboundKey& sa) {
  const auto found = slots_.find(sa);
  if (found == slots_.end()) return;
  keys_[found->second.index] = nullptr;
  freed_.push_back(found->second);
  slots_.erase(found);
}

Slot changed(Slot slot, const SaLimits& to, std::uint64_t top) {
  const std::uint64_t reach = to.ceiling > kMaxWidth ? to.ceiling - kMaxWidth : 0;
  const std::uint64_t left = slot.closed ? top : 0;
  slot.floor = std::max({slot.floor, to.floor, reach, left});
  slot.ceiling = std::max(slot.floor, to.ceiling);
  slot.closed = false;
  return slot;
}

std::uint64_t widen(std::uint32_t number, std::uint64_t near) {
  const auto distance = static_cast<std::int32_t>(number - static_cast<std::uint32_t>(near));
  return near + static_cast<std::uint64_t>(static_cast<std::int64_t>(distance));
}

}  // namespace hasync::clusterip
