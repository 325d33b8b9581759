// What hasyncd tells the operator about itself: plain values, filled in by the daemon, printed by others.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "base/result.h"
#include "hasyncd/events.h"
#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

struct MemberStatus {
  NodeId id;
  std::string name;
  std::string role;  // "gateway", "witness"; empty: not heard of yet
  bool self = false;
  bool in_ring = false;    // Corosync has its hasyncd in the group
  bool candidate = false;  // in the group and not evicted
  bool in_epoch = false;   // member of the installed epoch
  bool owner = false;
  bool ready = false;                                           // could take over now
  std::optional<std::chrono::milliseconds> last_heartbeat_ago;  // none: never, or this node itself
  std::uint64_t index = 0;                                      // entries it has acknowledged
  std::size_t refused = 0;                                      // contexts, by its charon
};

struct FenceStatus {
  bool open = false;
  std::chrono::microseconds margin{};                     // time left on the permission; 0 when closed
  std::optional<std::chrono::microseconds> least_margin;  // of all renewals since this node owns
  std::chrono::microseconds length{};                     // of the permission, when it is given
};

// What must hold between settings (relations.h).
struct RelationStatus {
  std::string name;
  std::string what;
  std::string limit;  // in words, and why
  std::string unit;
  std::int64_t value = 0;
  std::int64_t least = 0;
};

struct NodeStatus {
  std::string version;
  std::string cluster;
  NodeId node;
  std::string name;
  std::string role;   // "gateway", "witness"
  std::string state;  // "out", "standby", "taking", "owner", ...
  std::optional<NodeId> owner;
  Epoch epoch;  // installed
  Epoch promised;
  std::uint64_t index = 0;   // entries applied
  std::uint64_t stable = 0;  // entries that count
  bool ring_connected = false;
  bool quorate = false;
  bool charon_connected = false;
  FenceStatus fence;
  std::vector<RelationStatus> relations;
  std::vector<MemberStatus> members;
  std::size_t tunnels = 0;
  std::size_t unprotected = 0;  // tunnels that would not survive
  std::uint64_t owner_changes = 0;
  std::chrono::seconds up{};
  std::optional<std::uint64_t> replay_bound;  // packets; none: not known
  std::size_t replay_exposed = 0;             // CHILD_SAs
  std::size_t replay_exposed_vpe = 0;         // VPE CHILD_SAs
  std::vector<std::string> warnings;
  std::vector<std::pair<std::string, std::uint64_t>> counters;  // by name; docs/control.md
};

// Seconds, counted by upper bounds.
struct Histogram {
  static constexpr std::array kBounds = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0};
  std::array<std::uint64_t, kBounds.size() + 1> counts{};  // of each alone; the last: above all bounds
  double sum = 0;

  void observe(double seconds) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && seconds > kBounds.at(bucket)) ++bucket;
    ++counts.at(bucket);
    sum += seconds;
  }
};

// What only monitoring is told (docs/metrics.md), beside the status.
struct MetricsStatus {
  NodeStatus node;
  Histogram stable_times;
  std::optional<std::uint64_t> lease_headroom;  // numbers; none: this node does not own, or has no SA
};

struct LeaseStatus {
  OutboundKey key;
  bool esn = false;
  std::uint64_t used = 0;
  std::uint64_t end = 0;  // numbers below may be used
};

// Of VPE: it has no lease, each gateway sends with numbers of its own.
struct VpeStatus {
  struct Sender {
    NodeId node;
    std::uint8_t place = 0;  // its bits of the WindowID
    std::uint8_t incarnation = 0;
  };
  EspSpi spi;  // outbound
  std::vector<Sender> nodes;
};

struct TunnelStatus {
  SaId sa;
  std::string connection;  // empty where this node cannot read the context (a witness)
  Address peer;
  std::string remote_id;
  std::uint32_t children = 0;
  std::uint64_t version = 0;  // of the newest context
  std::vector<LeaseStatus> leases;
  std::vector<VpeStatus> vpe;
  bool is_protected = false;
  std::string reason;  // why not
  std::optional<NodeId> owner;
  std::string here;  // "active", "passive", "absent": what charon on this node holds
};

struct TunnelPage {
  std::vector<TunnelStatus> tunnels;
  std::optional<SaId> next;  // where to go on; empty: these are the last
};

struct ControlRequest {
  std::string command;
  std::vector<std::pair<std::string, std::string>> arguments;

  std::optional<std::string> argument(const std::string& name) const {
    for (const auto& [key, value] : arguments) {
      if (key == name) return value;
    }
    return {};
  }
};

struct Accepted {
  std::string text;  // what was done, or is under way
};

struct MemberKeys {
  std::string name;
  std::vector<std::string> keys;  // ids; empty: never heard
  std::string seals_with;
};

struct KeyStatus {
  std::vector<std::string> keys;  // ids, oldest first
  std::string seals_with;
  std::vector<MemberKeys> members;                // the others
  std::map<std::string, std::uint64_t> contexts;  // of the log, by the key that they are sealed with
  std::string needed;                             // why the older keys may not go yet; empty: they may
};

// What a member says of itself, for `haipsec check`.
struct MemberAnswer {
  std::string name;
  bool answered = false;
  bool speaks_newer = false;  // a version of the protocol that this node does not understand, a moment ago
  std::string version;
  std::chrono::milliseconds clock_ahead{};  // of its wall clock
  std::chrono::milliseconds clock_uncertain{};
  std::optional<AboutCharon> charon;
};

// Who has sent to the heartbeat's port what does not open with this cluster's keys.
struct StrangerStatus {
  std::string address;
  std::string member;  // its name, where the address is a member's
  std::uint64_t datagrams = 0;
  std::chrono::seconds last_ago{};
};

struct CheckStatus {
  NodeStatus node;
  std::vector<MemberAnswer> answers;  // this node's as well
  std::vector<StrangerStatus> strangers;
  std::vector<std::string> interfaces;  // where packets are checked
  std::string gate_problem;             // empty: all packets pass the programs, or this is a witness
  std::size_t bypassed = 0;             // outbound SAs whose gate stays closed now
  std::string first_bypassed;           // and why
};

struct EventList {
  std::vector<EventPtr> events;
};

// An answer without an end: lines, until the client goes.
struct EventStream {
  std::shared_ptr<EventQueue> queue;
};

using ControlAnswer = std::variant<Error, Accepted, NodeStatus, TunnelPage, TunnelStatus, KeyStatus,
                                   CheckStatus, EventList, EventStream>;

}  // namespace hasync::hasyncd
