// The books of one ESP SA as the wire showed it: which numbers and which explicit IVs were used, more than
// once or not, by whom, where the numbers jumped. Every frame counts: a frame that appears twice is a number
// used twice. The 64-bit number behind the 32 bits on the wire is inferred from its neighbours (RFC 4303,
// appendix A2).
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "testbed/capture/frame.h"

namespace hasync::testbed {

struct Repeat {
  std::uint64_t value = 0;  // the number, or the IV as a number, most significant byte first
  std::int64_t at_ns = 0;
  Mac sender;
};

struct Jump {
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  std::int64_t at_ns = 0;
  Mac sender;
};

// A stretch in which one sender alone used the SA.
struct Turn {
  Mac sender;
  std::uint64_t packets = 0;
  std::uint64_t first_number = 0;
  std::uint64_t last_number = 0;
  std::int64_t from_ns = 0;
  std::int64_t to_ns = 0;
};

struct EspLedgerOptions {
  std::uint64_t jump = 1000;  // report steps forward of at least so many numbers
};

class EspLedger {
 public:
  explicit EspLedger(EspLedgerOptions options = {}) : options_(options) {}

  void book(const EspPacket& packet, std::int64_t at_ns);

  std::uint64_t packets() const { return packets_; }
  std::uint64_t in_udp() const { return in_udp_; }
  std::uint64_t first_number() const { return first_; }
  std::uint64_t highest_number() const { return highest_; }
  std::uint64_t wraps() const { return wraps_; }
  std::uint64_t repeated_numbers() const { return repeated_numbers_; }
  std::uint64_t repeated_ivs() const { return repeated_ivs_; }
  // The first kMostExamples of each.
  const std::vector<Repeat>& number_examples() const { return number_examples_; }
  const std::vector<Repeat>& iv_examples() const { return iv_examples_; }
  const std::vector<Jump>& jumps() const { return jumps_; }
  const std::vector<Turn>& turns() const { return turns_; }

 private:
  static constexpr std::size_t kMostExamples = 100;

  std::uint64_t infer(std::uint32_t number);
  void book_turn(const EspPacket& packet, std::uint64_t number, std::int64_t at_ns);

  EspLedgerOptions options_;
  std::uint64_t packets_ = 0;
  std::uint64_t in_udp_ = 0;
  std::uint64_t first_ = 0;
  std::uint64_t highest_ = 0;
  std::uint64_t wraps_ = 0;
  std::uint64_t repeated_numbers_ = 0;
  std::uint64_t repeated_ivs_ = 0;
  std::unordered_set<std::uint64_t> numbers_;
  std::unordered_set<std::uint64_t> ivs_;
  std::vector<Repeat> number_examples_;
  std::vector<Repeat> iv_examples_;
  std::vector<Jump> jumps_;
  std::vector<Turn> turns_;
};

}  // namespace hasync::testbed
