// WindowID's 16 bits: who counts there. Every combination is a counter of its own, so that nodes and cores
// send on one SA at once and agree on nothing.
//
//    15      12 11          7 6        2 1     0
//    | node 4  | incarnation 5 | core 5 | class 2 |
//
// Budget for each key: 16 nodes, 32 cores each, 4 classes, and 32 incarnations of each node. A node takes a
// new incarnation when it has lost or rolled back its counters, and when its peer asks for fresh windows
// (incarnations.h). When a node's 32 are spent it may not send under this key any more: the SA is rekeyed
// before (kRekeyAt), as a new key begins with all of them.
#pragma once

#include <cstdint>
#include <optional>

#include "vpe/packet.h"

namespace hasync::vpe {

inline constexpr int kNodeBits = 4, kIncarnationBits = 5, kCoreBits = 5, kClassBits = 2;
static_assert(kNodeBits + kIncarnationBits + kCoreBits + kClassBits == 16);

inline constexpr std::uint32_t kNodes = 1U << kNodeBits;
inline constexpr std::uint32_t kIncarnations = 1U << kIncarnationBits;
inline constexpr std::uint32_t kCores = 1U << kCoreBits;
inline constexpr std::uint32_t kClasses = 1U << kClassBits;
inline constexpr std::uint32_t kRekeyAt = kIncarnations * 3 / 4;  // incarnations taken

// One worker's place within an SA; its classes are four WindowIDs.
struct Place {
  std::uint8_t node = 0;         // index in the cluster, below kNodes
  std::uint8_t incarnation = 0;  // below kIncarnations
  std::uint8_t core = 0;         // below kCores
  constexpr auto operator<=>(const Place&) const = default;
};

constexpr bool in_budget(Place place) {
  return place.node < kNodes && place.incarnation < kIncarnations && place.core < kCores;
}

// `place` is in budget; of `traffic_class` the low two bits count.
constexpr WindowId window_id(Place place, std::uint32_t traffic_class) {
  return WindowId{static_cast<std::uint16_t>(
      (std::uint32_t{place.node} << (kIncarnationBits + kCoreBits + kClassBits)) |
      (std::uint32_t{place.incarnation} << (kCoreBits + kClassBits)) |
      (std::uint32_t{place.core} << kClassBits) | (traffic_class & (kClasses - 1)))};
}

constexpr Place place_of(WindowId id) {
  return {static_cast<std::uint8_t>(id.value >> (kIncarnationBits + kCoreBits + kClassBits)),
          static_cast<std::uint8_t>((id.value >> (kCoreBits + kClassBits)) & (kIncarnations - 1)),
          static_cast<std::uint8_t>((id.value >> kClassBits) & (kCores - 1))};
}

constexpr std::uint8_t class_of(WindowId id) {
  return static_cast<std::uint8_t>(id.value & (kClasses - 1));
}

// Of a packet's DSCP (RFC 2474): 3 network control and expedited forwarding (RFC 3246; CS5 and above), 2
// assured forwarding 3 and 4 (RFC 2597), 1 what is worth less than best effort (RFC 8622, and CS1), 0 the
// rest.
std::uint8_t class_of_dscp(std::uint8_t dscp);

}  // namespace hasync::vpe
