// Port: the kernel's permission to pass packets. The fence is a deadline per segment, the gate a range of
// sequence numbers per outbound SA. What is not allowed here does not leave, whatever else happens to this
// process. It decides nothing: who owns a segment and how far a lease reaches comes from elsewhere.
//
// Numbers are 64 bits wide as in ESN (RFC 4303, section 2.2.1); the kernel side compares their low 32 bits in
// serial arithmetic. Times are CLOCK_MONOTONIC; 0 is closed.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "base/result.h"

namespace hasync::clusterip {

using Deadline = std::chrono::nanoseconds;
inline constexpr Deadline kClosed{0};

// Numbers in [floor, ceiling) may leave.
struct SaLimits {
  OutboundKey key;
  std::uint64_t floor = 0;
  std::uint64_t ceiling = 0;
  bool operator==(const SaLimits&) const = default;
};

// next: one above the highest number that left through this gate, or the floor, whichever is higher.
struct SaTop {
  OutboundKey key;
  std::uint64_t next = 0;
  std::uint64_t floor = 0;
  bool operator==(const SaTop&) const = default;
};

enum class Reason : std::uint8_t {
  Passed,
  NoFence,        // the deadline of the peer's segment is over
  NoEntry,        // an SA that the gate does not know
  BelowFloor,     // a number from before this node took over
  AtCeiling,      // a number beyond the lease, or a closed SA
  Fragment,       // a later fragment whose first one did not leave here
  Malformed,      // too short, or headers that contradict themselves
  AddressFenced,  // ARP that would claim the address after its deadline
  Contended,      // that its number left could not be recorded
  Repeated,       // a number that has left, or is so far behind the highest that it may have
};
inline constexpr std::size_t kReasons = 10;
std::string_view to_string(Reason reason);  // as in metrics: "no_fence"

// Packets since the programs were loaded, by reason.
struct DirectionCounters {
  std::array<std::uint64_t, kReasons> by_reason{};
  std::uint64_t operator[](Reason reason) const { return by_reason.at(static_cast<std::size_t>(reason)); }
  std::uint64_t dropped() const;  // for whatever reason
};
struct GateCounters {
  DirectionCounters ingress;
  DirectionCounters egress;
  std::uint64_t esp_let_in = 0;  // of the passed on ingress: all that may be ESP
};

class Gate {
 public:
  virtual ~Gate() = default;

  // The fence. Plain stores into shared memory: no system call, cannot fail.
  virtual void set_deadline(SegmentId segment, Deadline deadline) = 0;
  virtual void set_address_deadline(Deadline deadline) = 0;  // ARP for the VIPs
  virtual void set_all_deadlines(Deadline deadline) = 0;     // every segment and the address
  void close_all() { set_all_deadlines(kClosed); }

  // Creates entries or changes them; a change is one store per SA. An entry's floor never goes back, whatever
  // is asked: neither below an earlier floor, nor, after close_sas, below what left. It also follows the
  // ceiling so that they stay within 2^31 - 1. Invalid: a ceiling below its floor; Busy: no room for new
  // ones; System. On error nothing was changed.
  virtual Status set_sas(std::span<const SaLimits> sas) = 0;
  // Keeps the entries, lets nothing through until set_sas. A packet being judged at this moment may still
  // leave, with a number below its old ceiling. Unknown SAs are ignored.
  virtual void close_sas(std::span<const OutboundKey> sas) = 0;
  // Closes and forgets; unknown SAs are ignored.
  virtual Status remove_sas(std::span<const OutboundKey> sas) = 0;

  virtual std::optional<std::uint64_t> top(const OutboundKey& sa) const = 0;  // SaTop::next; empty: no entry
  virtual std::vector<SaTop> tops() const = 0;
  // Those of tops() that have changed since the last call, and those that stand at their ceiling.
  virtual std::vector<SaTop> moved() = 0;
  virtual Result<GateCounters> counters() const = 0;
  // Do all packets still pass the programs? NotFound names the interface and direction where one is gone,
  // Unsupported an interface that lets them past since then.
  virtual Status check() const = 0;
};

}  // namespace hasync::clusterip
