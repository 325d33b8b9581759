// What hasyncd processes tell each other, as plain values; proto/ring.proto explains each field.
// RingMessage travels over CPG, Heartbeat over UDP. Nothing here knows how it is encoded or sealed.
// The bounds are those of the decoder: whoever builds a message stays within them (snapshots and grants are
// split).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "hasyncd/wire/entries.h"

namespace hasync::hasyncd {

inline constexpr std::size_t kMaxMembers = 16;
inline constexpr std::size_t kMaxRingMessage = 1000000;  // bytes, encoded, before sealing
inline constexpr std::size_t kMaxKeyIds = 4;             // per heartbeat
inline constexpr std::size_t kMaxHeartbeat = 1355;       // bytes, encoded; 1400 with its seal
inline constexpr std::size_t kMaxTops = 80;              // per part of a reading: it fits a heartbeat
inline constexpr std::uint32_t kMaxWindowParts = 65536;
inline constexpr std::size_t kMaxConnections = 4096;  // told of, in one About
inline constexpr std::size_t kMaxName = 255;          // bytes, of what is told of

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
  Epoch begun;  // in which its state began empty; 0: it came from another
  bool operator==(const Sync&) const = default;
};

struct Evict {
  NodeId node;
  bool operator==(const Evict&) const = default;
};

struct Hello {
  bool operator==(const Hello&) const = default;
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

// The top of an inbound SA's replay window: the highest number that was accepted (RFC 4303, section 3.4.3).
struct InboundTop {
  InboundKey key;
  std::uint64_t top = 0;
  bool operator==(const InboundTop&) const = default;
};

// One part of what the owner has read from its kernel (decision 0009).
struct Windows {
  std::uint64_t round = 0;  // of this owner's readings
  std::uint64_t since = 0;  // all parts together hold every window that has moved after this round
  std::uint32_t part = 0;   // from 0
  std::uint32_t parts = 1;
  std::uint64_t let_in = 0;      // packets that the owner had let in before the reading began
  std::uint64_t open = 0;        // packets that its own windows do not cover
  bool last = false;             // the owner lets nothing in any more
  std::vector<InboundTop> tops;  // all of one address
  bool operator==(const Windows&) const = default;
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
  // Of an owner: ESP packets that it has let in since it began, as counted at that time, and per second at
  // most.
  std::uint64_t let_in = 0;
  std::uint64_t counted_ns = 0;
  std::uint64_t peak = 0;
  std::uint64_t windows_held = 0;  // newest of the owner's readings that the sender has whole
  std::optional<Windows> windows;
  std::uint32_t refused = 0;  // contexts that the sender's charon has refused, and lacks
  bool operator==(const Heartbeat&) const = default;
};

}  // namespace hasync::hasyncd
