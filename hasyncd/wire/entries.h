// What the log is made of, as plain values: its entries, and the snapshot of the state that they have made.
// proto/ring.proto explains each field; messages.h has what carries them, and the rules of both.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "vpe/window_id.h"

namespace hasync::hasyncd {

inline constexpr std::size_t kMaxOutbound = 256;          // per IKE_SA
inline constexpr std::size_t kMaxSealedContext = 262144;  // bytes
inline constexpr std::size_t kMaxLeases = 16384;          // per grant
inline constexpr std::size_t kMaxSnapshotSas = 1024;      // per part
inline constexpr std::size_t kMaxSnapshotEnded = 16384;   // per part
inline constexpr std::uint32_t kMaxSnapshotParts = 65536;

// One run of one hasyncd: a restarted daemon is another process.
struct Process {
  NodeId node;
  Incarnation incarnation;
  constexpr auto operator<=>(const Process&) const = default;
};

struct OutboundSa {
  OutboundKey key;
  bool esn = false;
  std::uint64_t used = 0;  // numbers up to here are used up already
  EspSpi inbound;          // of the same CHILD_SA
  bool vpe = false;        // it has no lease
  bool vpe_old = false;    // of VPE: somebody may have sent on it that this log does not know of
  bool operator==(const OutboundSa&) const = default;
};

struct Delta {
  SaId sa;
  std::uint64_t version = 0;
  Address peer;  // outer address
  std::vector<OutboundSa> outbound;
  std::string sealed;  // the context; raw bytes
  bool operator==(const Delta&) const = default;
};

struct Gone {
  SaId sa;
  bool operator==(const Gone&) const = default;
};

struct Lease {
  OutboundKey key;
  std::uint64_t end = 0;   // numbers below may be used once this is stable
  std::uint64_t left = 0;  // the highest number that is known to have left; 0: none
  bool operator==(const Lease&) const = default;
};

struct Grant {
  std::vector<Lease> leases;
  bool operator==(const Grant&) const = default;
};

struct Move {
  NodeId to;
  bool operator==(const Move&) const = default;
};

// A vped has begun at the sender's.
struct VpeBegin {
  std::uint64_t session = 0;
  bool operator==(const VpeBegin&) const = default;
};

struct Entry {
  Epoch epoch;
  std::variant<Delta, Gone, Grant, Move, VpeBegin> body;
  bool operator==(const Entry&) const = default;
};

// A gateway that has had a vped.
struct VpeNode {
  NodeId node;
  std::uint8_t place = 0;  // its bits of the WindowID
  std::uint64_t session = 0;
  bool operator==(const VpeNode&) const = default;
};

// Of a VPE SA: how many incarnations each place has taken.
inline constexpr std::uint8_t kVpeSpent = vpe::kIncarnations + 1;  // more were asked for than there are
struct VpeTaken {
  using Counts = std::array<std::uint8_t, vpe::kNodes>;
  EspSpi spi;
  Counts taken{};
  bool operator==(const VpeTaken&) const = default;
};

struct SnapshotSa {
  Delta delta;
  std::vector<Lease> leases;
  std::vector<VpeTaken> vpe;
  bool operator==(const SnapshotSa&) const = default;
};

// An SPI that nobody names any more: numbers below `end` may have been used.
struct EndedLease {
  EspSpi spi;
  std::uint64_t end = 0;
  bool operator==(const EndedLease&) const = default;
};

struct Snapshot {
  Epoch epoch;
  std::uint32_t part = 0;  // from 0
  std::uint32_t parts = 1;
  Process owner;  // of node kNobody where there is none
  std::vector<SnapshotSa> sas;
  std::vector<EndedLease> ended;  // oldest first
  std::vector<VpeNode> vpe_nodes;
  bool operator==(const Snapshot&) const = default;
};

}  // namespace hasync::hasyncd
