#include "vpe/receiver.h"

#include "vpe/judge.h"
#include "vpe/tally.h"

namespace hasync::vpe {

Result<std::unique_ptr<Receiver>> Receiver::create(std::unique_ptr<Gcm> gcm, const Options& options) {
  if (!is_window_size(options.window_bits)) return invalid("window_bits: a power of two from 64 to 65536");
  if (options.most_windows < 1 || options.most_windows > 65536) return invalid("most_windows: 1 to 65536");
  return std::unique_ptr<Receiver>(new Receiver(std::move(gcm), options));
}

Receiver::Receiver(std::unique_ptr<Gcm> gcm, const Options& options)
    : gcm_(std::move(gcm)), options_(options), windows_(options.window_bits, options.most_windows) {}

std::size_t Receiver::open(std::span<Packet> batch) {
  Tally tally(counters_);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (i + 1 < batch.size()) __builtin_prefetch(batch[i + 1].header);
    Packet& packet = batch[i];
    if (packet.drop == Drop::None) packet.drop = open_one(packet);
    if (packet.drop == Drop::None) {
      tally.passed(packet.size);
    } else {
      packet.size = 0;
      tally.dropped(packet.drop);
    }
  }
  return tally.packets();
}

Drop Receiver::open_one(Packet& packet) {
  const std::size_t size = size_of(packet.pieces);
  if (const Drop drop = judge_payload_size(size); drop != Drop::None) return drop;

  const Header header = decode(std::span<const std::uint8_t, kIcvAt>(packet.header, kIcvAt));
  if (header.spi != options_.spi) return Drop::ForeignSpi;
  if (options_.sender && header.name.sender != *options_.sender) return Drop::ForeignSender;
  if (header.number == 0) return Drop::Late;
  ReplayWindow* window = windows_.find(header.name);
  if (window == nullptr && windows_.is_retired(header.name)) return Drop::Retired;
  if (window != nullptr) {
    if (const Drop drop = drop_for(window->check(header.number)); drop != Drop::None) return drop;
  }

  if (!gcm_->open(packet.header + kIvAt, {}, packet.pieces, packet.header + kIcvAt)) return Drop::Forged;

  if (window == nullptr) window = windows_.make(header.name);
  if (window == nullptr) return Drop::NoRoom;
  window->take(header.number);
  const auto inner = inner_size_of(packet.pieces, true, size);
  if (!inner) return Drop::NotIp;
  packet.size = *inner;
  packet.traffic_class = class_of(header.name.window);
  return Drop::None;
}

void Receiver::retire_below(SenderId sender, std::uint8_t node, std::uint8_t incarnation) {
  windows_.retire_below(sender, node, incarnation);
}

Status Receiver::resume(WindowName name, std::uint64_t top) {
  if (windows_.is_retired(name)) return invalid("window: of an incarnation that is retired");
  ReplayWindow* window = windows_.find(name);
  if (window == nullptr) window = windows_.make(name);
  if (window == nullptr) return Error{Errc::Busy, "there are as many windows as may be"};
  if (top != 0) window->fill_up_to(top);
  return Done{};
}

Drop lay_out(std::span<std::uint8_t> wire, Packet& packet, Piece& piece, std::uint8_t* to) {
  packet.drop = wire.size() < kHeaderSize + kSmallestPayload ? Drop::Truncated
                : wire.size() > kLargestPacket               ? Drop::Oversized
                                                             : Drop::None;
  if (packet.drop != Drop::None) return packet.drop;
  packet.header = wire.data();
  const std::span<std::uint8_t> payload = wire.subspan(kHeaderSize);
  piece = {payload.data(), to != nullptr ? to : payload.data(), payload.size()};
  packet.pieces = {&piece, 1};
  return Drop::None;
}

}  // namespace hasync::vpe
