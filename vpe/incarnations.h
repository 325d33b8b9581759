// The rule that keeps (key, IV) from leaving twice: under one key, each incarnation of a node is given out
// once.
//
// One of these stands for each key in the replicated log, the same on every member. A node that wants to send
// (it starts, has lost or rolled back its counters, or its peer asked for fresh windows) proposes to take
// one; every member applies the entry in the log's order; the node may use what it got when the entry is
// stable. It holds its counters in memory only and never resumes an incarnation, whatever it finds on its
// disk: the log, not the node, knows what was given out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "vpe/window_id.h"

namespace hasync::vpe {

class Incarnations {
 public:
  // The node's next one. Nothing: all are spent (or no such node); only a new key helps.
  std::optional<std::uint8_t> take(std::uint32_t node) {
    if (node >= kNodes || taken_[node] >= kIncarnations) return std::nullopt;
    return taken_[node]++;
  }
  std::uint32_t taken(std::uint32_t node) const { return node < kNodes ? taken_[node] : 0; }
  // Some node has few left: time for a new key, in which all begin anew.
  bool wants_rekey() const {
    for (const std::uint8_t taken : taken_)
      if (taken >= kRekeyAt) return true;
    return false;
  }
  bool operator==(const Incarnations&) const = default;

 private:
  std::array<std::uint8_t, kNodes> taken_{};
};

}  // namespace hasync::vpe
