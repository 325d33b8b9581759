// Port: the kernel's permission to pass packets. The fence is a deadline per segment, the gate a range of
// sequence numbers per outbound SA. What is not allowed here does not leave, whatever else happens to this
// process. It decides nothing: who owns a segment and how far a lease reaches comes from elsewhere.
//
// Numbers are 64 bits wide as in ESN (RFC 4303, section 2.2.1); the kernel side compares their low 32 bits in
// serial arithmetic, so a floor and a ceiling are never further apart than kMaxWidth. Times are
// CLOCK_MONOTONIC.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "clusterip/address.h"

namespace hasync::clusterip {

// libstdc++ and libc++ read CLOCK_MONOTONIC for it, the clock of bpf_ktime_get_ns()
using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline kClosed{};

// An outbound ESP SA, as the kernel tells them apart.
struct SaKey {
  Address destination;
  EspSpi spi;
  auto operator<=>(const SaKey&) const = default;
};

// Numbers in [floor, ceiling) may leave; floor == ceiling is closed.
struct Limits {
  std::uint64_t floor = 0;
  std::uint64_t ceiling = 0;
  bool operator==(const Limits&) const = default;
};
inline constexpr std::uint64_t kMaxWidth = std::numeric_limits<std::int32_t>::max();
inline constexpr std::uint64_t kMaxRaise = 1U << 30;

struct SaLimits {
  SaKey sa;
  Limits limits{};
};

struct SaCeiling {
  SaKey sa;
  std::uint64_t ceiling = 0;
};

// next: one above the highest number that left through this gate; the floor while none has.
struct SaTop {
  SaKey sa;
  std::uint64_t next = 0;
};

enum class Reason : std::uint8_t {
  Passed,
  NoFence,     // the deadline of the peer's segment is over
  NoEntry,     // an SA that the gate does not know
  BelowFloor,  // a number from before this node took over
  AtCeiling,   // a number beyond the lease, or a closed SA
  Fragment,    // a later fragment whose first one did not leave here
  Malformed,   // too short, or headers that contradict themselves
  ArpFenced,   // ARP that would claim the address after its deadline
  Contended,   // the highest number could not be recorded
};
inline constexpr std::size_t kReasons = 9;
std::string_view to_string(Reason reason);  // as in metrics: "no_fence"

// Packets since the programs were loaded, by reason.
struct DirectionCounters {
  std::array<std::uint64_t, kReasons> by_reason{};
  std::uint64_t operator[](Reason reason) const { return by_reason.at(static_cast<std::size_t>(reason)); }
};
struct GateCounters {
  DirectionCounters ingress;
  DirectionCounters egress;
};

class Gate {
 public:
  virtual ~Gate() = default;

  // The fence. Plain stores into shared memory: no system call, cannot fail.
  virtual void set_deadline(SegmentId segment, Deadline deadline) = 0;
  virtual void set_address_deadline(Deadline deadline) = 0;  // ARP for the VIPs
  virtual void set_all_deadlines(Deadline deadline) = 0;     // every segment and the address
  void close_all() { set_all_deadlines(kClosed); }

  // Creates entries, or reopens those that exist. A floor below what already left, or limits further apart
  // than kMaxWidth, are refused as Invalid; more SAs than there is room for as Busy. All entries or, on
  // error, none.
  virtual Status open_sas(std::span<const SaLimits> sas) = 0;
  // Plain stores. The floor follows where it must, to stay within kMaxWidth. Invalid: a ceiling that goes
  // back or rises by more than kMaxRaise; NotFound: no such entry. All or, on error, none. What close_sas
  // closed stays so.
  virtual Status raise_ceilings(std::span<const SaCeiling> sas) = 0;
  // Keeps the entries, lets nothing through until open_sas. A packet being judged at this moment may still
  // leave, with a number below its old ceiling. Unknown SAs are ignored.
  virtual void close_sas(std::span<const SaKey> sas) = 0;
  virtual Status remove_sas(std::span<const SaKey> sas) = 0;  // unknown SAs are ignored

  virtual std::optional<std::uint64_t> top(
      const SaKey& sa) const = 0;  // as SaTop::next; empty: no such entry
  virtual std::vector<SaTop> tops() const = 0;
  virtual Result<GateCounters> counters() const = 0;

  // Are the programs still where they were attached? NotFound names the interface and direction.
  virtual Status check_attached() const = 0;
};

}  // namespace hasync::clusterip

template <>
struct std::hash<hasync::clusterip::SaKey> {
  std::size_t operator()(const hasync::clusterip::SaKey& sa) const noexcept {
    return std::hash<hasync::clusterip::Address>{}(sa.destination) * 31 + std::hash<hasync::EspSpi>{}(sa.spi);
  }
};
