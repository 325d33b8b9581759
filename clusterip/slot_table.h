// Which slot of the kernel's table each outbound SA uses, and within which limits. Pure bookkeeping: it
// touches no kernel memory. A freed slot is given out again as late as possible and with a new generation, so
// that a packet that is being judged by an old entry cannot meet the limits of the slot's next SA.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "clusterip/gate.h"

namespace hasync::clusterip {

// The reach of the kernel's comparison of 32-bit numbers (RFC 1982), less a block of `left` (layout.h), since
// it compares where blocks begin as well.
inline constexpr std::uint64_t kMaxWidth = (std::uint64_t{1} << 31) - 32;

struct Slot {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  std::uint64_t floor = 0;
  std::uint64_t ceiling = 0;  // at the floor: closed
  bool closed = false;        // by close_sas
  bool operator==(const Slot&) const = default;
};

class SlotTable {
 public:
  explicit SlotTable(std::uint32_t capacity) : capacity_(capacity) {}

  Slot* find(const OutboundKey& sa);
  const Slot* find(const OutboundKey& sa) const;
  // The SA must be new and room() above 0.
  Slot& add(const SaLimits& sa);
  void remove(const OutboundKey& sa);
  std::size_t room() const { return capacity_ - slots_.size(); }
  const std::unordered_map<OutboundKey, Slot>& all() const { return slots_; }
  // By slot: whose it is; null: nobody's.
  const std::vector<const OutboundKey*>& keys() const { return keys_; }

 private:
  std::uint32_t capacity_;
  std::uint32_t never_used_ = 0;
  std::deque<Slot> freed_;
  std::unordered_map<OutboundKey, Slot> slots_;
  std::vector<const OutboundKey*> keys_;  // into slots_
};

// The slot after Gate::set_sas, with the floor moved up where its rules say so. `top`: as SaTop::next.
Slot changed(Slot slot, const SaLimits& to, std::uint64_t top);
// Word `index` of the kernel's `left` (layout.h) where nothing from `floor` on has left.
std::uint64_t none_left(std::uint32_t index, std::uint64_t floor);
// Whether the first word stands for an earlier block than the second.
bool is_earlier(std::uint64_t word, std::uint64_t than);
// A 32-bit number of the kernel's as the 64-bit number nearest to `near`.
std::uint64_t widen(std::uint32_t number, std::uint64_t near);

}  // namespace hasync::clusterip
