#include "vpe/sender.h"

#include "vpe/judge.h"
#include "vpe/tally.h"

namespace hasync::vpe {

namespace {
constexpr std::uint32_t kReservedSpis = 256;  // RFC 4303, section 2.1
}

Result<std::unique_ptr<Sender>> Sender::create(std::unique_ptr<Gcm> gcm, const Options& options) {
  if (options.spi.value < kReservedSpis) return invalid("spi: below 256");
  if (!in_budget(options.place)) return invalid("place: node, incarnation or core is beyond the budget");
  if (options.first_number == 0) return invalid("first_number: 0");
  return std::unique_ptr<Sender>(new Sender(std::move(gcm), options));
}

Sender::Sender(std::unique_ptr<Gcm> gcm, const Options& options)
    : gcm_(std::move(gcm)), spi_(options.spi), sender_(options.sender), place_(options.place) {
  next_.fill(options.first_number);
}

// Headers first, then the cipher: by then what it reads has left the store buffer.
std::size_t Sender::seal(std::span<Packet> batch) {
  Tally tally(counters_);
  for (Packet& packet : batch) packet.drop = number(packet);
  for (Packet& packet : batch) {
    if (packet.drop != Drop::None) {
      tally.dropped(packet.drop);
      continue;
    }
    gcm_->seal(packet.header + kIvAt, {}, packet.pieces, packet.header + kIcvAt);
    tally.passed(packet.size - kHeaderSize);
  }
  return tally.packets();
}

Drop Sender::number(Packet& packet) {
  packet.size = 0;
  const std::size_t size = size_of(packet.pieces);
  if (const Drop drop = judge_payload_size(size); drop != Drop::None) return drop;
  if (!inner_size_of(packet.pieces, false, size)) return Drop::NotIp;

  const std::uint32_t traffic_class = packet.traffic_class & (kClasses - 1);
  const std::uint64_t number = next_[traffic_class];
  if (number == 0) return Drop::NumbersSpent;
  next_[traffic_class] = number + 1;  // after the last one: 0

  encode({spi_, {sender_, window_id(place_, traffic_class)}, number},
         std::span<std::uint8_t, kIcvAt>(packet.header, kIcvAt));
  packet.size = kHeaderSize + size;
  return Drop::None;
}

Status Sender::move_to(std::uint8_t incarnation) {
  if (incarnation <= place_.incarnation || incarnation >= kIncarnations)
    return invalid("incarnation: not above the present one, or beyond the budget");
  place_.incarnation = incarnation;
  next_.fill(kFirstNumber);
  return Done{};
}

}  // namespace hasync::vpe
