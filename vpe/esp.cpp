#include "vpe/esp.h"

#include <cstring>
#include <utility>

#include "vpe/big_endian.h"
#include "vpe/judge.h"
#include "vpe/tally.h"

namespace hasync::vpe {

namespace {

constexpr std::size_t kIvSizeOfEsp = 8;  // RFC 4106, section 3.1
constexpr std::size_t kTrailer = 2;      // pad length, next header
constexpr std::uint8_t kNextIpv4 = 4, kNextIpv6 = 41;

EspBound bound_to(const Salt& salt, const std::uint8_t* header, std::uint64_t number) {
  EspBound out;
  std::memcpy(out.nonce.data(), salt.data(), salt.size());
  std::memcpy(out.nonce.data() + salt.size(), header + 8, kIvSizeOfEsp);
  std::memcpy(out.additional.data(), header, 4);
  put_big_endian(out.additional.data() + 4, static_cast<std::uint32_t>(number >> 32));
  std::memcpy(out.additional.data() + 8, header + 4, 4);
  return out;
}

struct Trailer {
  std::array<std::uint8_t, 3 + kTrailer> bytes;
  std::size_t size;
};

// RFC 4303, section 2.4: padding up to a multiple of 4, counting from 1
Trailer trailer_of(const Piece& payload) {
  const std::size_t padding = (0 - payload.size - kTrailer) % 4;
  Trailer out{{1, 2, 3}, padding + kTrailer};
  out.bytes[padding] = static_cast<std::uint8_t>(padding);
  out.bytes[padding + 1] = payload.from[0] >> 4 == 4 ? kNextIpv4 : kNextIpv6;
  return out;
}

// Bytes of the IP packet in what was decrypted, by trailer and the packet's own length. Nothing: it is none.
std::optional<std::size_t> inner_size_of_esp(const std::uint8_t* plain, std::size_t size) {
  const std::size_t padding = plain[size - 2];
  const std::uint8_t next = plain[size - 1];
  if (padding + kTrailer > size) return std::nullopt;
  const bool agrees = next == (plain[0] >> 4 == 4 ? kNextIpv4 : kNextIpv6);
  return agrees ? inner_size({plain, size}, size - kTrailer - padding) : std::nullopt;
}

// Before the number is looked at.
Drop judge(const Packet& packet, EspSpi spi) {
  if (packet.pieces.size() != 1) return Drop::Truncated;
  const std::size_t size = packet.pieces[0].size;
  if (size < kEspSmallestPayload || (size - kEspIcvSize) % 4 != 0) return Drop::Truncated;
  if (size > kLargestPacket - kEspHeaderSize) return Drop::Oversized;
  return get_big_endian<std::uint32_t>(packet.header) == spi.value ? Drop::None : Drop::ForeignSpi;
}

// Holds the window against other workers, if there are any.
class Guard {
 public:
  Guard(EspWindow& window, bool parallel) : mutex_(parallel ? &window.mutex : nullptr) {
    if (mutex_ != nullptr) mutex_->lock();
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() {
    if (mutex_ != nullptr) mutex_->unlock();
  }

 private:
  std::mutex* mutex_;
};

}  // namespace

std::uint64_t infer_number(std::uint32_t low, std::uint64_t top, std::uint32_t window_bits) {
  const auto top_low = static_cast<std::uint32_t>(top);
  const auto high = static_cast<std::uint32_t>(top >> 32);
  const std::uint32_t bottom = top_low - window_bits + 1;  // modulo 2^32
  std::uint32_t inferred = high;
  if (top_low >= window_bits - 1) {  // case A: the window lies within one subspace
    if (low < bottom) inferred = high + 1;
  } else {  // case B: it spans two
    if (low >= bottom) inferred = high - 1;
  }
  return (std::uint64_t{inferred} << 32) | low;
}

EspSender::EspSender(std::unique_ptr<Gcm> gcm, const Options& options, std::shared_ptr<EspNumbers> numbers)
    : gcm_(std::move(gcm)), options_(options), shared_(std::move(numbers)) {}

// Once the end is reached nobody adds any more, so it cannot wrap.
std::uint64_t EspSender::take_numbers(std::size_t count) {
  if (shared_ == nullptr)
    return last_ >= kEspLastNumber ? kEspLastNumber + 1 : std::exchange(last_, last_ + count) + 1;
  if (shared_->last.load(std::memory_order_relaxed) >= kEspLastNumber) return kEspLastNumber + 1;
  return shared_->last.fetch_add(count, std::memory_order_relaxed) + 1;
}

std::size_t EspSender::seal(std::span<Packet> batch) {
  Tally tally(counters_);
  in_parts(batch, bounds_.size(), [&](std::span<Packet> some) {
    std::uint64_t number = take_numbers(some.size());
    for (std::size_t i = 0; i < some.size(); ++i) some[i].drop = prepare(some[i], bounds_[i], number++);
    for (std::size_t i = 0; i < some.size(); ++i) {
      const Packet& packet = some[i];
      if (packet.drop == Drop::None) encrypt(packet, bounds_[i]);
      tally.count(packet.drop, packet.drop == Drop::None ? packet.pieces[0].size : 0);
    }
  });
  return tally.packets();
}

Drop EspSender::prepare(Packet& packet, EspBound& bound, std::uint64_t number) {
  packet.size = 0;
  if (packet.pieces.size() != 1) return Drop::Truncated;
  const Piece& payload = packet.pieces[0];
  if (payload.size < kSmallestPayload) return Drop::Truncated;
  if (payload.size > kLargestPacket - kEspHeaderSize - kEspRoom) return Drop::Oversized;
  if (!inner_size_of(packet.pieces, false, payload.size)) return Drop::NotIp;
  if (number > kEspLastNumber) return Drop::NumbersSpent;

  put_big_endian(packet.header, options_.spi.value);
  put_big_endian(packet.header + 4, static_cast<std::uint32_t>(number));
  put_big_endian(packet.header + 8, number);  // the IV is the number (RFC 4106, section 3.1)
  bound = bound_to(options_.salt, packet.header, number);
  const Trailer trailer = trailer_of(payload);
  if (payload.from == payload.to) std::memcpy(payload.to + payload.size, trailer.bytes.data(), trailer.size);
  packet.size = kEspHeaderSize + payload.size + trailer.size + kEspIcvSize;
  return Drop::None;
}

void EspSender::encrypt(const Packet& packet, const EspBound& bound) {
  const Piece& payload = packet.pieces[0];
  const std::size_t size = packet.size - kEspHeaderSize - kEspIcvSize;
  if (payload.from == payload.to) {
    const Piece whole{payload.from, payload.to, size};
    gcm_->seal(bound.nonce.data(), bound.additional, {&whole, 1}, payload.to + size);
  } else {
    const Trailer trailer = trailer_of(payload);
    const std::array<Piece, 2> both{payload, {trailer.bytes.data(), payload.to + payload.size, trailer.size}};
    gcm_->seal(bound.nonce.data(), bound.additional, both, payload.to + size);
  }
}

EspReceiver::EspReceiver(std::unique_ptr<Gcm> gcm, const Options& options, std::shared_ptr<EspWindow> window)
    : gcm_(std::move(gcm)),
      options_(options),
      parallel_(window != nullptr),
      window_(parallel_ ? std::move(window) : std::make_shared<EspWindow>(options.window_bits)) {}

std::size_t EspReceiver::open(std::span<Packet> batch) {
  Tally tally(counters_);
  in_parts(batch, bounds_.size(), [&](std::span<Packet> some) {
    open_some(some);
    for (const Packet& packet : some) tally.count(packet.drop, packet.size);
  });
  return tally.packets();
}

void EspReceiver::open_some(std::span<Packet> some) {
  for (Packet& packet : some) {
    packet.size = 0;
    if (packet.drop == Drop::None) packet.drop = judge(packet, options_.spi);
  }
  look_up(some);
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (some[i].drop == Drop::None) bounds_[i] = bound_to(options_.salt, some[i].header, numbers_[i]);
  }
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (some[i].drop != Drop::None) continue;
    const Piece& sealed = some[i].pieces[0];
    const Piece payload{sealed.from, sealed.to, sealed.size - kEspIcvSize};
    const EspBound& bound = bounds_[i];
    if (!gcm_->open(bound.nonce.data(), bound.additional, {&payload, 1}, payload.from + payload.size))
      some[i].drop = Drop::Forged;
  }
  take(some);
  for (Packet& packet : some) {
    if (packet.drop != Drop::None) continue;
    const auto inner = inner_size_of_esp(packet.pieces[0].to, packet.pieces[0].size - kEspIcvSize);
    packet.drop = inner ? Drop::None : Drop::NotIp;
    packet.size = inner.value_or(0);
  }
}

// Which numbers they have by the window's top, and whether it has them already.
void EspReceiver::look_up(std::span<Packet> some) {
  const Guard guard(*window_, parallel_);
  const ReplayWindow& window = window_->window;
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (some[i].drop != Drop::None) continue;
    numbers_[i] =
        infer_number(get_big_endian<std::uint32_t>(some[i].header + 4), window.top(), window.bits());
    some[i].drop = drop_for(window.check(numbers_[i]));
  }
}

// Asked once more: another worker, or the same batch, may have had it in between.
void EspReceiver::take(std::span<Packet> some) {
  const Guard guard(*window_, parallel_);
  ReplayWindow& window = window_->window;
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (some[i].drop != Drop::None) continue;
    some[i].drop = drop_for(window.check(numbers_[i]));
    if (some[i].drop == Drop::None) window.take(numbers_[i]);
  }
}

Drop lay_out_esp(std::span<std::uint8_t> wire, Packet& packet, Piece& piece, std::uint8_t* to) {
  return lay_out_behind(kEspHeaderSize, kEspSmallestPayload, wire, packet, piece, to);
}

}  // namespace hasync::vpe
