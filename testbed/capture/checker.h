// Takes a capture's frames one by one and keeps all books: per SA, per direction, per IKE exchange, of
// owners. It decides what is a violation of the invariants (docs: a number or a nonce used twice, two owners
// at once, an IKE message ID used for two messages, a further authentication, evidence that is not complete).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "testbed/capture/esp_ledger.h"
#include "testbed/capture/flow_ledger.h"
#include "testbed/capture/frame.h"
#include "testbed/capture/ike_ledger.h"
#include "testbed/capture/owner_ledger.h"

namespace hasync::testbed {

struct CheckerOptions {
  EspLedgerOptions esp;
  IkeLedgerOptions ike;
  std::int64_t gap_ns = 50'000'000;     // silences worth a line
  bool allow_reauthentication = false;  // then they are counted only
};

class Checker {
 public:
  using SaKey =
      std::pair<Address, std::uint32_t>;  // destination and SPI: what makes an SA (RFC 4301, section 4.1)
  using FlowKey = std::pair<Address, Address>;  // source and destination

  explicit Checker(CheckerOptions options) : options_(std::move(options)), ike_(options_.ike) {}

  void book(std::span<const std::uint8_t> bytes, std::size_t wire_length, std::int64_t at_ns);
  // The next frame is the first one of a recording.
  void begin_recording() { owners_.begin_recording(); }
  // Frames that the recording is known to have missed; never called: not known.
  void book_dropped(std::uint64_t frames) { dropped_ = dropped_.value_or(0) + frames; }
  // The file ended in the middle of a frame.
  void book_torn_file() { ++malformed_["capture file ends within a frame"]; }

  std::vector<std::string> violations() const;

  std::uint64_t repeated_numbers() const { return sum(&EspLedger::repeated_numbers); }
  std::uint64_t repeated_ivs() const { return sum(&EspLedger::repeated_ivs); }
  std::uint64_t two_owner_packets() const { return owners_.strays().size(); }
  std::uint64_t esp_packets() const { return sum(&EspLedger::packets); }
  std::uint64_t frames() const { return frames_; }
  std::uint64_t fragments() const { return fragments_; }
  std::uint64_t keepalives() const { return keepalives_; }
  std::uint64_t others() const { return others_; }
  std::optional<std::uint64_t> dropped() const { return dropped_; }
  const std::map<std::string, std::uint64_t>& malformed() const { return malformed_; }
  const std::map<SaKey, EspLedger>& sas() const { return sas_; }
  const std::map<FlowKey, FlowLedger>& flows() const { return flows_; }
  const IkeLedger& ike() const { return ike_; }
  const OwnerLedger& owners() const { return owners_; }

 private:
  void book_esp(const EspPacket& packet, std::int64_t at_ns);
  void book_ike(const IkeMessage& message, std::int64_t at_ns);
  std::uint64_t sum(std::uint64_t (EspLedger::*count)() const) const;

  CheckerOptions options_;
  std::map<SaKey, EspLedger> sas_;
  std::map<FlowKey, FlowLedger> flows_;
  IkeLedger ike_;
  OwnerLedger owners_;
  std::map<std::string, std::uint64_t> malformed_;
  std::uint64_t frames_ = 0;
  std::uint64_t fragments_ = 0;
  std::uint64_t keepalives_ = 0;
  std::uint64_t others_ = 0;
  std::optional<std::uint64_t> dropped_;
};

}  // namespace hasync::testbed
