#include "testbed/capture/esp_ledger.h"

#include <algorithm>

namespace hasync::testbed {

namespace {

// A wrap is believed only across a short step. Otherwise a counter that was set back from the upper half to
// zero, the very fault to be found, would look like one.
constexpr std::uint32_t kMostAcrossWrap = 1U << 30U;

std::uint64_t as_number(const std::array<std::uint8_t, 8>& iv) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : iv) value = value << 8U | byte;
  return value;
}

}  // namespace

std::uint64_t EspLedger::infer(std::uint32_t number) {
  const auto low = static_cast<std::uint32_t>(highest_);
  const std::uint64_t high = highest_ >> 32U;
  if (number < low && number - low < kMostAcrossWrap) {
    ++wraps_;
    return (high + 1) << 32U | number;
  }
  if (number > low && low - number < kMostAcrossWrap && high > 0)
    return (high - 1) << 32U | number;  // a late one
  return high << 32U | number;
}

void EspLedger::book(const EspPacket& packet, std::int64_t at_ns) {
  const std::uint64_t number = packets_ == 0 ? packet.number : infer(packet.number);
  if (packets_ == 0) first_ = number;
  ++packets_;
  if (packet.in_udp) ++in_udp_;

  if (!numbers_.insert(number).second) {
    ++repeated_numbers_;
    if (number_examples_.size() < kMostExamples)
      number_examples_.push_back({number, at_ns, packet.path.sender});
  }
  if (const std::uint64_t iv = as_number(packet.iv); !ivs_.insert(iv).second) {
    ++repeated_ivs_;
    if (iv_examples_.size() < kMostExamples) iv_examples_.push_back({iv, at_ns, packet.path.sender});
  }
  if (packets_ > 1 && number > highest_ && number - highest_ >= options_.jump &&
      jumps_.size() < kMostExamples)
    jumps_.push_back({highest_, number, at_ns, packet.path.sender});
  highest_ = packets_ == 1 ? number : std::max(highest_, number);
  book_turn(packet, number, at_ns);
}

void EspLedger::book_turn(const EspPacket& packet, std::uint64_t number, std::int64_t at_ns) {
  const Mac& sender = packet.path.sender;
  if ((turns_.empty() || turns_.back().sender != sender) && turns_.size() < kMostExamples)
    turns_.push_back({sender, 0, number, number, at_ns, at_ns});
  Turn& turn = turns_.back();
  if (turn.sender != sender) return;  // the list is full
  ++turn.packets;
  turn.last_number = number;
  turn.to_ns = at_ns;
}

}  // namespace hasync::testbed
