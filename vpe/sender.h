// Seals packets of one SA on one worker. Each class counts for itself, in this object; nothing is shared with
// other workers, other nodes, or an object that was here before.
//
// That no (key, IV) is used twice rests on the place: under one key no two senders ever have the same one
// (incarnations.h has the rule; a node that cannot tell takes a new incarnation).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "base/ids.h"
#include "base/result.h"
#include "vpe/gcm.h"
#include "vpe/packets.h"
#include "vpe/window_id.h"

namespace hasync::vpe {

class Sender {
 public:
  struct Options {
    EspSpi spi;                  // the peer's; above 255 (RFC 4303, section 2.1)
    SenderId sender = kUnicast;  // multicast: unique among those who hold the group key
    Place place;
    std::uint64_t first_number = kFirstNumber;  // for tests of the end; never a number to resume at
  };
  // Invalid: SPI is reserved, place out of budget, number 0.
  static Result<std::unique_ptr<Sender>> create(std::unique_ptr<Gcm> gcm, const Options& options);

  // Writes header and ciphertext; sets drop and size of each. Returns how many were sealed.
  // Refused: Truncated, Oversized, NotIp, NumbersSpent.
  std::size_t seal(std::span<Packet> batch);

  // From the next packet on, fresh windows: the peer has asked for it, or numbers near their end. Invalid:
  // not above the present incarnation.
  Status move_to(std::uint8_t incarnation);

  const Place& place() const { return place_; }
  // Of this class; 0 when all are spent.
  std::uint64_t next_number(std::uint8_t traffic_class) const {
    return next_[traffic_class & (kClasses - 1)];
  }
  const Counters& counters() const { return counters_; }

 private:
  Sender(std::unique_ptr<Gcm> gcm, const Options& options);
  Drop number(Packet& packet);  // takes one, and writes the header but for the ICV

  std::unique_ptr<Gcm> gcm_;
  EspSpi spi_;
  SenderId sender_;
  Place place_;
  std::array<std::uint64_t, kClasses> next_;
  alignas(64) Counters counters_;  // read by others: in lines of their own
};

}  // namespace hasync::vpe
