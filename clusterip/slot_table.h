// Which slot of the kernel's table each outbound SA uses, and within which limits. Pure bookkeeping: it
// touches no kernel memory. A freed slot is given out again as late as possible and with a new generation, so
// that a packet that is being judged by an old entry cannot meet the limits of the slot's next SA.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>

#include "clusterip/gate.h"

namespace hasync::clusterip {

struct Slot {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  Limits limits{};
  bool closed = false;  // by close_sas: a raise must not open it
  bool operator==(const Slot&) const = default;
};

class SlotTable {
 public:
  explicit SlotTable(std::uint32_t capacity) : capacity_(capacity) {}

  Slot* find(const SaKey& sa);
  const Slot* find(const SaKey& sa) const;
  // The SA must be new and room() above 0.
  Slot& add(const SaKey& sa, Limits limits);
  void remove(const SaKey& sa);
  std::size_t room() const { return capacity_ - slots_.size(); }
  const std::unordered_map<SaKey, Slot>& all() const { return slots_; }

 private:
  std::uint32_t capacity_;
  std::uint32_t never_used_ = 0;
  std::deque<Slot> freed_;
  std::unordered_map<SaKey, Slot> slots_;
};

// Invalid: ceiling below floor, or further apart than the kernel's comparison reaches.
Status check_limits(const SaLimits& sa);
// The limits after a raise: the floor follows only as far as it must. Errors as of Gate::raise_ceilings.
Result<Limits> raised(const Limits& current, const SaCeiling& to);
// A 32-bit number of the kernel's as the 64-bit number nearest to `near`.
std::uint64_t widen(std::uint32_t number, std::uint64_t near);

}  // namespace hasync::clusterip
