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
  in_parts(batch, arrived_.size(), [&](std::span<Packet> some) {
    open_some(some);
    for (const Packet& packet : some) tally.count(packet.drop, packet.size);
  });
  return tally.packets();
}

// In three rounds: headers, so that what can be refused for nothing is; the cipher; windows and the inner
// packets, whose first bytes have by then left the store buffer (the cipher's masked stores cannot be read
// before).
void Receiver::open_some(std::span<Packet> some) {
  for (std::size_t i = 0; i < some.size(); ++i) {
    some[i].size = 0;
    if (some[i].drop == Drop::None) some[i].drop = look_at(some[i], arrived_[i]);
  }
  for (Packet& packet : some) {
    if (packet.drop != Drop::None) continue;
    if (!gcm_->open(packet.header + kIvAt, {}, packet.pieces, packet.header + kIcvAt))
      packet.drop = Drop::Forged;
  }
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (some[i].drop == Drop::None) some[i].drop = take(some[i], arrived_[i]);
  }
}

// Before decryption.
Drop Receiver::look_at(const Packet& packet, Arrived& arrived) {
  if (const Drop drop = judge_payload_size(size_of(packet.pieces)); drop != Drop::None) return drop;
  const Header& header = arrived.header =
      decode(std::span<const std::uint8_t, kIcvAt>(packet.header, kIcvAt));
  if (header.spi != options_.spi) return Drop::ForeignSpi;
  if (options_.sender && header.name.sender != *options_.sender) return Drop::ForeignSender;
  if (header.number == 0) return Drop::Late;
  arrived.window = windows_.find(header.name);
  if (arrived.window != nullptr) return drop_for(arrived.window->check(header.number));
  return windows_.is_retired(header.name) ? Drop::Retired : Drop::None;
}

// When it is authentic.
Drop Receiver::take(Packet& packet, const Arrived& arrived) {
  const Header& header = arrived.header;
  ReplayWindow* window = arrived.window;
  if (window == nullptr)
    window = windows_.find(header.name);  // an earlier packet of the batch may have made it
  if (window == nullptr) window = windows_.make(header.name);
  if (window == nullptr) return Drop::NoRoom;
  // once more: the same packet may stand in the batch twice
  if (const Drop drop = drop_for(window->check(header.number)); drop != Drop::None) return drop;
  window->take(header.number);
  const auto inner = inner_size_of(packet.pieces, true, size_of(packet.pieces));
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
  return lay_out_behind(kHeaderSize, kSmallestPayload, wire, packet, piece, to);
}

}  // namespace hasync::vpe
