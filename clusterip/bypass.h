// What would let packets past the gate: links on which a device makes ESP itself, SAs whose numbers the
// gate's count does not hold back. Pure; adapters read the facts.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace hasync::clusterip {

struct LinkFacts {
  std::string name;
  int index = 0;
  int master = 0;  // of a bridge's or bond's port; 0: none
  int below = 0;   // what a VLAN or macvlan sends on; 0: no such link
  bool esp_offload = false;
};

// Unsupported: the first link on which a packet would not pass the gate, or two that it would pass one after
// the other: there it would be its own repetition.
Status check_links(std::span<const LinkFacts> links);

struct SaTraits {
  bool may_wrap = false;
  bool packet_offload = false;
  bool per_cpu = false;
};

// Why the gate cannot answer for such an SA; empty: it can.
std::string bypass_of(const SaTraits& traits);

}  // namespace hasync::clusterip
