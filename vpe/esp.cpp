#include "vpe/esp.h"

#include <cstring>

#include "vpe/judge.h"
#include "vpe/tally.h"

namespace hasync::vpe {

namespace {

constexpr std::size_t kIvSizeOfEsp = 8;  // RFC 4106, section 3.1
constexpr std::size_t kTrailer = 2;      // pad length, next header
constexpr std::uint8_t kNextIpv4 = 4, kNextIpv6 = 41;

void put(std::uint8_t* at, std::uint32_t number) {
  number = __builtin_bswap32(number);
  std::memcpy(at, &number, sizeof(number));
}

std::uint32_t get(const std::uint8_t* at) {
  std::uint32_t number = 0;
  std::memcpy(&number, at, sizeof(number));
  return __builtin_bswap32(number);
}

struct Bound {
  std::array<std::uint8_t, 12> nonce;       // RFC 4106, section 4
  std::array<std::uint8_t, 12> additional;  // section 5: SPI, number's high half, low half
};

Bound bound_to(const Salt& salt, const std::uint8_t* header, std::uint64_t number) {
  Bound out;
  std::memcpy(out.nonce.data(), salt.data(), salt.size());
  std::memcpy(out.nonce.data() + salt.size(), header + 8, kIvSizeOfEsp);
  std::memcpy(out.additional.data(), header, 4);
  put(out.additional.data() + 4, static_cast<std::uint32_t>(number >> 32));
  std::memcpy(out.additional.data() + 8, header + 4, 4);
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
  return get(packet.header) == spi.value ? Drop::None : Drop::ForeignSpi;
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

// The first of as many numbers.
std::uint64_t EspSender::take_numbers(std::size_t count) {
  if (shared_ == nullptr) return std::exchange(last_, last_ + count) + 1;
  // Once the end is reached nobody adds any more, so it cannot wrap.
  if (shared_->last.load(std::memory_order_relaxed) >= kEspLastNumber) return kEspLastNumber + 1;
  return shared_->last.fetch_add(count, std::memory_order_relaxed) + 1;
}

std::size_t EspSender::seal(std::span<Packet> batch) {
  Tally tally(counters_);
  std::uint64_t number = take_numbers(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (i + 1 < batch.size()) __builtin_prefetch(batch[i + 1].header, 1);
    Packet& packet = batch[i];
    packet.drop = seal_one(packet, number++);
    if (packet.drop == Drop::None) {
      tally.passed(packet.pieces[0].size);
    } else {
      packet.size = 0;
      tally.dropped(packet.drop);
    }
  }
  return tally.packets();
}

Drop EspSender::seal_one(Packet& packet, std::uint64_t number) {
  if (packet.pieces.size() != 1) return Drop::Truncated;
  const Piece& payload = packet.pieces[0];
  if (payload.size < kSmallestPayload) return Drop::Truncated;
  if (payload.size > kLargestPacket - kEspHeaderSize - kEspRoom) return Drop::Oversized;
  if (!inner_size_of(packet.pieces, false, payload.size)) return Drop::NotIp;
  if (number > kEspLastNumber) return Drop::NumbersSpent;

  put(packet.header, options_.spi.value);
  put(packet.header + 4, static_cast<std::uint32_t>(number));
  put(packet.header + 8,
      static_cast<std::uint32_t>(number >> 32));  // the IV is the number (RFC 4106, section 3.1)
  put(packet.header + 12, static_cast<std::uint32_t>(number));
  const Bound bound = bound_to(options_.salt, packet.header, number);

  // RFC 4303, section 2.4: up to a multiple of 4, counting from 1
  const std::size_t padding = (0 - payload.size - kTrailer) % 4;
  const std::uint8_t next = payload.from[0] >> 4 == 4 ? kNextIpv4 : kNextIpv6;
  std::array<std::uint8_t, 3 + kTrailer> trailer{1, 2, 3};
  trailer[padding] = static_cast<std::uint8_t>(padding);
  trailer[padding + 1] = next;
  std::uint8_t* const end = payload.to + payload.size;
  std::uint8_t* const icv = end + padding + kTrailer;
  if (payload.from == payload.to) {
    std::memcpy(end, trailer.data(), padding + kTrailer);
    const Piece whole{payload.from, payload.to, payload.size + padding + kTrailer};
    gcm_->seal(bound.nonce.data(), bound.additional, {&whole, 1}, icv);
  } else {
    const std::array<Piece, 2> both{payload, {trailer.data(), end, padding + kTrailer}};
    gcm_->seal(bound.nonce.data(), bound.additional, both, icv);
  }
  packet.size = kEspHeaderSize + payload.size + padding + kTrailer + kEspIcvSize;
  return Drop::None;
}

EspReceiver::EspReceiver(std::unique_ptr<Gcm> gcm, const Options& options, std::shared_ptr<EspWindow> window)
    : gcm_(std::move(gcm)),
      options_(options),
      parallel_(window != nullptr),
      window_(parallel_ ? std::move(window) : std::make_shared<EspWindow>(options.window_bits)) {}

std::size_t EspReceiver::open(std::span<Packet> batch) {
  Tally tally(counters_);
  for (std::size_t at = 0; at < batch.size(); at += std::tuple_size_v<Numbers>)
    open_some(batch.subspan(at, std::min(std::tuple_size_v<Numbers>, batch.size() - at)));
  for (Packet& packet : batch) {
    if (packet.drop == Drop::None) {
      tally.passed(packet.size);
    } else {
      packet.size = 0;
      tally.dropped(packet.drop);
    }
  }
  return tally.packets();
}

void EspReceiver::open_some(std::span<Packet> some) {
  Numbers numbers;
  for (Packet& packet : some) {
    if (packet.drop == Drop::None) packet.drop = judge(packet, options_.spi);
  }
  look_up(some, numbers);
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (i + 1 < some.size()) __builtin_prefetch(some[i + 1].header);
    Packet& packet = some[i];
    if (packet.drop != Drop::None) continue;
    const Piece& sealed = packet.pieces[0];
    const Piece payload{sealed.from, sealed.to, sealed.size - kEspIcvSize};
    const Bound bound = bound_to(options_.salt, packet.header, numbers[i]);
    if (!gcm_->open(bound.nonce.data(), bound.additional, {&payload, 1}, payload.from + payload.size))
      packet.drop = Drop::Forged;
  }
  take(some, numbers);
  for (Packet& packet : some) {
    if (packet.drop != Drop::None) continue;
    const auto inner = inner_size_of_esp(packet.pieces[0].to, packet.pieces[0].size - kEspIcvSize);
    packet.drop = inner ? Drop::None : Drop::NotIp;
    packet.size = inner.value_or(0);
  }
}

// Which numbers they have by the window's top, and whether it has them already.
void EspReceiver::look_up(std::span<Packet> some, Numbers& numbers) {
  const Guard guard(*window_, parallel_);
  const ReplayWindow& window = window_->window;
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (some[i].drop != Drop::None) continue;
    numbers[i] = infer_number(get(some[i].header + 4), window.top(), window.bits());
    some[i].drop = drop_for(window.check(numbers[i]));
  }
}

// Asked once more: another worker, or the same batch, may have had it in between.
void EspReceiver::take(std::span<Packet> some, const Numbers& numbers) {
  const Guard guard(*window_, parallel_);
  ReplayWindow& window = window_->window;
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (some[i].drop != Drop::None) continue;
    some[i].drop = drop_for(window.check(numbers[i]));
    if (some[i].drop == Drop::None) window.take(numbers[i]);
  }
}

Drop lay_out_esp(std::span<std::uint8_t> wire, Packet& packet, Piece& piece, std::uint8_t* to) {
  packet.drop = wire.size() < kEspHeaderSize + kEspSmallestPayload ? Drop::Truncated
                : wire.size() > kLargestPacket                     ? Drop::Oversized
                                                                   : Drop::None;
  if (packet.drop != Drop::None) return packet.drop;
  packet.header = wire.data();
  const std::span<std::uint8_t> payload = wire.subspan(kEspHeaderSize);
  piece = {payload.data(), to != nullptr ? to : payload.data(), payload.size()};
  packet.pieces = {&piece, 1};
  return Drop::None;
}

}  // namespace hasync::vpe
