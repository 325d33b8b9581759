// Opens packets of one SA on one worker: ICV, then replay window of (SenderID, WindowID). Packets of one
// window always come to one worker (packet.h, lane), so nothing is shared.
//
// A window comes into being with its first authentic packet: who invents WindowIDs without the key gets no
// state. There are `most_windows` at most; none is ever given up for another, as that would open it to
// replays, but those of a retired incarnation are. Replay rule: RFC 4303, section 3.4.3, with the whole
// number in the packet.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "vpe/gcm.h"
#include "vpe/packets.h"
#include "vpe/window_id.h"
#include "vpe/window_table.h"

namespace hasync::vpe {

class Receiver {
 public:
  struct Options {
    EspSpi spi;  // own
    // Whose packets: one sender's (a unicast SA: kUnicast), or anybody's who holds the group key.
    std::optional<SenderId> sender = kUnicast;
    std::uint32_t window_bits = 1024;  // each window's: a multiple of 64, 64 to 65536
    std::uint32_t most_windows = 256;  // 1 to 65536
  };
  // Invalid: an option out of its range.
  static Result<std::unique_ptr<Receiver>> create(std::unique_ptr<Gcm> gcm, const Options& options);

  // Sets drop, size and traffic_class of each. Returns how many were opened. Packets that were refused before
  // decryption leave `to` untouched.
  std::size_t open(std::span<Packet> batch);

  // The sending node has moved to this incarnation, and everything older of it is refused from now on: what
  // was recorded before this receiver existed cannot be replayed to it. Never goes down.
  void retire_below(SenderId sender, std::uint8_t node, std::uint8_t incarnation);
  // A former receiver of this window had accepted up to `top`: nothing at or below it is accepted. NoRoom as
  // Busy; Invalid: of a retired incarnation.
  Status resume(WindowName name, std::uint64_t top);

  // By the worker itself only.
  std::vector<WindowState> windows() const { return windows_.states(); }
  const Counters& counters() const { return counters_; }

 private:
  Receiver(std::unique_ptr<Gcm> gcm, const Options& options);
  struct Arrived {
    Header header;
    ReplayWindow* window = nullptr;  // null: there is none yet
  };
  void open_some(std::span<Packet> some);
  Drop look_at(const Packet& packet, Arrived& arrived);
  Drop take(Packet& packet, const Arrived& arrived);

  std::unique_ptr<Gcm> gcm_;
  Options options_;
  WindowTable windows_;
  std::array<Arrived, 64> arrived_;  // of a part of a batch
  alignas(64) Counters counters_;
};

// A packet that stands in one buffer, header first, as it came from the wire: made ready for open(), in place
// or to `to`. Truncated, Oversized: `packet` is then marked with it, and open() passes it over.
Drop lay_out(std::span<std::uint8_t> wire, Packet& packet, Piece& piece, std::uint8_t* to = nullptr);

}  // namespace hasync::vpe
