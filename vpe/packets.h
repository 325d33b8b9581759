// What the engines work on: batches of packets whose bytes are the caller's, in one buffer or in several, in
// place or from one to another; and what became of each.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hasync::vpe {

// A run of payload bytes. `to` may be `from` (in place); otherwise they do not overlap.
struct Piece {
  const std::uint8_t* from = nullptr;
  std::uint8_t* to = nullptr;
  std::size_t size = 0;
};

// What became of a packet, and why. The names are those of metrics and `haipsec vpe`.
enum class Drop : std::uint8_t {
  None,           // sealed, or opened
  Truncated,      // shorter than header and smallest payload
  Oversized,      // longer than a packet may be
  ForeignSpi,     // of another SA
  ForeignSender,  // SenderID that this SA has no use for
  Retired,        // of an incarnation that its sender has left behind (move to fresh windows)
  Forged,         // ICV does not match: altered, or under another key. Nothing else was changed
  Replayed,       // number was taken already
  Late,           // number is below the window
  NoRoom,         // authentic, but its window would be one more than may be kept
  NotIp,          // authentic or to be sealed, but neither IPv4 nor IPv6 of such a length
  NumbersSpent,   // to be sealed, but the window's last number is used: take fresh windows, or rekey
};
inline constexpr std::size_t kDrops = static_cast<std::size_t>(Drop::NumbersSpent) + 1;
const char* name(Drop drop);  // "none", "truncated", "foreign-spi", ...

struct Packet {
  std::uint8_t* header = nullptr;  // VPE: kHeaderSize bytes, wherever they stand; ESP: kEspHeaderSize
  std::span<const Piece> pieces;   // the payload, in order; VPE: any number, ESP: one
  std::uint8_t traffic_class = 0;  // to seal: which of the sender's windows. VPE only; opened: which it was
  Drop drop = Drop::None;  // result. If it is not None, the bytes at `to` mean nothing and must not be used
  std::size_t size =
      0;  // result. Sealed: whole packet, header included. Opened: the IP packet, by its own length
};

// Written by one worker, read by anyone; no shared writes.
struct Counters {
  std::atomic<std::uint64_t> packets{0};                   // sealed or opened
  std::atomic<std::uint64_t> bytes{0};                     // of their payload
  std::array<std::atomic<std::uint64_t>, kDrops> drops{};  // by cause; [None] stays 0

  std::uint64_t dropped(Drop cause) const {
    return drops[static_cast<std::size_t>(cause)].load(std::memory_order_relaxed);
  }
};

}  // namespace hasync::vpe
