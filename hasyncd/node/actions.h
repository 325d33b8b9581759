// What a Node wants done, in order. Plain values: a test compares them, the daemon and the simulator carry
// them out.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "clusterip/gate.h"
#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

struct SendRing {
  RingMessage message;
  bool operator==(const SendRing&) const = default;
};
struct SendHeartbeat {  // to every other member
  Heartbeat heartbeat;
  bool operator==(const SendHeartbeat&) const = default;
};

// The fence: packets may pass until `until` (CLOCK_MONOTONIC).
struct SetDeadline {
  Instant until;
  bool operator==(const SetDeadline&) const = default;
};
struct CloseFence {
  bool operator==(const CloseFence&) const = default;
};

// The shared address: take it and tell the neighbours; tell them again; give it up.
struct HoldAddress {
  bool operator==(const HoldAddress&) const = default;
};
struct Announce {
  bool operator==(const Announce&) const = default;
};
struct DropAddress {
  bool operator==(const DropAddress&) const = default;
};

// The gate: numbers floor <= n < ceiling may leave.
using GateLimits = clusterip::SaLimits;
struct SetGate {
  std::vector<GateLimits> limits;
  bool operator==(const SetGate&) const = default;
};
struct ForgetGate {
  std::vector<OutboundKey> keys;
  bool operator==(const ForgetGate&) const = default;
};

// The kernel's outbound counter: `used` becomes the last number used.
struct OutboundNumber {
  OutboundKey key;
  std::uint64_t used = 0;
  bool esn = false;
  bool operator==(const OutboundNumber&) const = default;
};
struct SetNumbers {
  std::vector<OutboundNumber> numbers;
  bool operator==(const SetNumbers&) const = default;
};

// Inbound replay windows: read all of them, now (Node::on_windows follows); raise these and what is waiting
// to be, all numbers up to the top counting as seen. Never lowered.
struct ReadWindows {
  bool operator==(const ReadWindows&) const = default;
};
struct RaiseWindows {
  std::vector<InboundTop> tops;
  bool operator==(const RaiseWindows&) const = default;
};

// charon: install or update a context; say who answers; forget.
struct PutContext {
  SaId sa;
  std::string sealed;
  bool active = false;
  std::vector<OutboundNumber> numbers;  // what its outbound SAs start behind
  std::vector<EspSpi> handed_on;        // outbound: another IKE_SA's by now, and no part of this
  bool operator==(const PutContext&) const = default;
};
struct SetActive {
  std::vector<SaId> sas;
  bool active = false;
  bool operator==(const SetActive&) const = default;
};
struct ReleaseContexts {
  std::vector<SaId> sas;
  bool operator==(const ReleaseContexts&) const = default;
};

// charon: what its reports up to this one tell of may be told to peers.
struct CommitOutput {
  std::uint64_t report = 0;
  bool operator==(const CommitOutput&) const = default;
};

// charon: what these reports tell of and is not committed will not be. Peers are told nothing.
struct DiscardOutput {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool operator==(const DiscardOutput&) const = default;
};

// charon: rekey this CHILD_SA now, its numbers come to an end (RFC 4303, section 3.3.3).
struct RekeyChild {
  SaId sa;
  OutboundKey key;
  bool operator==(const RekeyChild&) const = default;
};

// charon's plugin: this vped may send on these from now on, as nobody else ever does.
struct VpeShare {
  SaId sa;
  EspSpi spi;  // outbound
  vpe::Place place;
  bool operator==(const VpeShare&) const = default;
};
struct GiveVpe {
  std::uint64_t session = 0;  // of that vped
  std::vector<VpeShare> shares;
  bool operator==(const GiveVpe&) const = default;
};

// charon's plugin: ask the peers of these VPE CHILD_SAs to send in fresh windows; Node::on_retired follows
// for those that do.
struct AskFresh {
  struct Child {
    SaId sa;
    EspSpi inbound;
    bool operator==(const Child&) const = default;
  };
  std::uint64_t reception = 0;  // this one; no other owner's, and no other process's
  std::vector<Child> children;
  bool operator==(const AskFresh&) const = default;
};

// Leave the ring's group and come back, as a process that has just begun.
struct Rejoin {
  bool operator==(const Rejoin&) const = default;
};

// An event for the operator: a stable id (docs/messages.md) and its particulars.
struct Note {
  std::string id;
  std::string text;
  bool warning = false;  // somebody should look
  bool operator==(const Note&) const = default;
};
// A clean stop is complete.
struct Finished {
  bool operator==(const Finished&) const = default;
};

using Action = std::variant<SendRing, SendHeartbeat, Persist, SetDeadline, CloseFence, HoldAddress, Announce,
                            DropAddress, SetGate, ForgetGate, SetNumbers, ReadWindows, RaiseWindows,
                            PutContext, SetActive, ReleaseContexts, CommitOutput, DiscardOutput, RekeyChild,
                            GiveVpe, AskFresh, Rejoin, Note, Finished>;
using Actions = std::vector<Action>;

}  // namespace hasync::hasyncd
