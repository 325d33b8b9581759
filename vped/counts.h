// What a worker counts beside the engines: packets that never got to one, or that were fine and went no
// further. One writer, any reader; nothing is shared between workers.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace hasync::vped {

enum class Cause : std::uint8_t {
  NotIp,       // from inside: neither IPv4 nor IPv6 of its length
  NoTunnel,    // from inside: in no tunnel's selectors
  BadOffload,  // from inside: what the kernel says about segments contradicts the packet
  TooBig,      // from inside: does not fit through the tunnel; its sender was told, if it may be
  NotSent,     // sealed, but the kernel did not take it
  ForeignSpi,  // from outside: no tunnel has this SPI
  Truncated,   // from outside: shorter than header and smallest payload
  Selector,    // from outside: authentic, but not between the tunnel's selectors
  OwnSender,   // from outside: authentic, of a group, with our own SenderID
  NotWritten,  // opened, but the kernel did not take it
};
inline constexpr std::size_t kCauses = static_cast<std::size_t>(Cause::NotWritten) + 1;
const char* name(Cause cause);  // "not-ip", "no-tunnel", ...

struct Counts {
  std::array<std::atomic<std::uint64_t>, kCauses> drops{};
  std::atomic<std::uint64_t> read{0}, written{0};   // on the inside, uncut
  std::atomic<std::uint64_t> received{0}, sent{0};  // on the outside, in trains
  std::atomic<std::uint64_t> handed_over{0};        // to the worker whose lane it was
  std::atomic<std::uint64_t> told_too_big{0};

  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t count = 1) {
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  void drop(Cause cause, std::uint64_t count = 1) { add(drops[static_cast<std::size_t>(cause)], count); }
  std::uint64_t dropped(Cause cause) const {
    return drops[static_cast<std::size_t>(cause)].load(std::memory_order_relaxed);
  }
};

}  // namespace hasync::vped
