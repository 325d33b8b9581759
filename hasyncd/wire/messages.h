// What hasyncd processes tell each other, as plain values; proto/ring.proto explains each field.
// RingMessage travels over CPG, Heartbeat over UDP. Nothing here knows how it is encoded or sealed.
// The bounds are those of the decoder: whoever builds a message stays within them (snapshots and grants are
// split).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "vpe/window_id.h"

namespace hasync::hasyncd {

inline constexpr std::size_t kMaxMembers = 16;
inline constexpr std::size_t kMaxOutbound = 256;          // per IKE_SA
inline constexpr std::size_t kMaxSealedContext = 262144;  // bytes
inline constexpr std::size_t kMaxLeases = 16384;          // per grant
inline constexpr std::size_t kMaxSnapshotSas = 1024;      // per part
inline constexpr std::size_t kMaxSnapshotEnded = 16384;   // per part
inline constexpr std::uint32_t kMaxSnapshotParts = 65536;
inline constexpr std::size_t kMaxRingMessage = 1000000;  // bytes, encoded, before sealing
inline constexpr std::size_t kMaxKeyIds = 4;             // per heartbeat
inline constexpr std::size_t kMaxHeartbeat = 1400;       // bytes, encoded, before sealing: one frame
inline constexpr std::size_t kMaxConnections = 4096;     // told of, in one About
inline constexpr std::size_t kMaxName = 255;             // bytes, of what is told of

// One run of one hasyncd: a restarted daemon is another process.
struct Process {
  NodeId node;
  Incarnation incarnation;
  constexpr auto operator<=>(const Process&) const = default;
};

struct Propose {
  Epoch epoch;
  std::vector<NodeId> members;   // ascending, not empty
  std::vector<NodeId> excluded;  // ascending, none of the members
  bool operator==(const Propose&) const = default;
};

struct Sync {
  Process leader;
  Epoch epoch;
  Epoch promised;
  bool refused = false;
  Epoch confirmed;
  Epoch state_epoch;
  std::uint64_t index = 0;
  std::uint64_t digest = 0;
  bool has_state = false;
  bool gateway = false;
  bool owner = false;
  bool blank = false;
  bool lone = false;
  bool of_two = false;
  bool operator==(const Sync&) const = default;
};

struct Evict {
  NodeId node;
  bool operator==(const Evict&) const = default;
};

struct Hello {
  bool operator==(const Hello&) const = default;
};

struct OutboundSa {
  OutboundKey key;
  bool esn = false;
  std::uint64_t used = 0;  // numbers up to here are used up already
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

struct RingMessage {
  Incarnation incarnation;  // of the sender
  std::uint64_t number = 0;
  std::variant<Propose, Sync, Evict, Hello, Entry, Snapshot> body;
  bool operator==(const RingMessage&) const = default;
};

// Beside the log: what nodes tell each other for `haipsec check`. It moves nothing.
struct Ask {
  bool operator==(const Ask&) const = default;
};

struct AboutConnection {
  std::string name;
  std::vector<std::string> children;
  bool operator==(const AboutConnection&) const = default;
};

struct AboutCharon {
  std::string version;
  std::string plugin;
  std::uint32_t spi_min = 0;
  std::uint32_t spi_max = 0;
  std::vector<AboutConnection> connections;
  std::uint32_t left_out = 0;  // connections
  bool operator==(const AboutCharon&) const = default;
};

struct About {
  Process asker;
  std::uint64_t asked = 0;  // number of its Ask
  std::string version;      // of hasyncd
  std::uint64_t clock_ns = 0;
  std::optional<AboutCharon> charon;
  bool operator==(const About&) const = default;
};

struct Aside {
  Incarnation incarnation;
  std::uint64_t number = 0;  // of the asides alone
  std::variant<Ask, About> body;
  bool operator==(const Aside&) const = default;
};

struct Ack {
  Process of;
  std::uint64_t sent_ns = 0;  // as `of` wrote it
  bool operator==(const Ack&) const = default;
};

// The newest heartbeat of another member, as the sender has heard of it.
struct Mark {
  Process of;
  std::uint64_t index = 0;
  std::uint64_t digest = 0;
  std::uint64_t sent_ns = 0;
  bool ready = false;
  bool deaf = false;
  std::uint64_t honours_ns = 0;  // its Ack of the owner; 0: none
  bool operator==(const Mark&) const = default;
};

struct Heartbeat {
  Process from;
  std::uint64_t number = 0;
  Epoch epoch;
  std::uint64_t index = 0;
  std::uint64_t digest = 0;
  std::uint64_t sent_ns = 0;  // sender's CLOCK_MONOTONIC
  bool ready = false;
  bool deaf = false;  // hears no majority
  std::vector<Ack> acks;
  Process owner;  // by the sender's state; of node kNobody where there is none
  std::vector<Mark> heard;
  std::vector<std::uint32_t> keys;  // ids of those that the sender opens with; set as it is sealed
  bool operator==(const Heartbeat&) const = default;
};

}  // namespace hasync::hasyncd
