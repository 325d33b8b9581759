#include "clusterip/slot_table.h"

#include <algorithm>

#include "clusterip/bpf/layout.h"

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

std::uint64_t none_left(std::uint32_t index, std::uint64_t floor) {
  const std::uint32_t first = static_cast<std::uint32_t>(floor) / HASYNC_BLOCK;
  const std::uint32_t block = first + (index - first) % HASYNC_LEFT_BLOCKS;
  return std::uint64_t{block % (1U << 27U)} << 32U;  // blocks of 32-bit numbers
}

bool is_earlier(std::uint64_t word, std::uint64_t than) {
  const auto number = [](std::uint64_t of) { return static_cast<std::uint32_t>(of >> 32U) * HASYNC_BLOCK; };
  return static_cast<std::int32_t>(number(word) - number(than)) < 0;
}

std::uint64_t widen(std::uint32_t number, std::uint64_t near) {
  const auto distance = static_cast<std::int32_t>(number - static_cast<std::uint32_t>(near));
  return near + static_cast<std::uint64_t>(static_cast<std::int64_t>(distance));
}

}  // namespace hasync::clusterip
