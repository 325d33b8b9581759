#include "vpe/bench/overtaking.h"

#include <deque>
#include <random>

#include "tests/support/vpe_packets.h"

namespace hasync::vpe::bench {

namespace {

constexpr EspSpi kSpi{0xbe7c4002};
constexpr std::uint8_t kPriority = 3, kRest = 0;

std::unique_ptr<Gcm> gcm() {
  return test::gcm("auto", test::key(16));
}

// A link that sends one packet in each slot: priority traffic first. Bursts of `kBurst` slots bring more
// priority traffic than it can carry, so that the rest stands still; the slots after them bring little, until
// all is sent. `seal` makes the next packet of a class, `arrives` takes it at the other end.
template <typename Seal, typename Arrives>
void over_the_link(std::uint64_t seed, Seal seal, Arrives arrives) {
  constexpr int kBursts = 10, kBurst = 3000;
  std::mt19937_64 random(seed);
  std::deque<Bytes> first, rest;
  const auto send_one = [&] {
    std::deque<Bytes>& queue = first.empty() ? rest : first;
    if (queue.empty()) return;
    arrives(std::move(queue.front()), &queue == &rest);
    queue.pop_front();
  };
  for (int burst = 0; burst < kBursts; ++burst) {
    for (int slot = 0; slot < kBurst; ++slot) {
      // 1.15 packets a slot, 90 % of them priority traffic
      for (int i = random() % 100 < 15 ? 2 : 1; i > 0; --i) {
        const bool priority = random() % 10 != 0;
        (priority ? first : rest).push_back(seal(priority ? kPriority : kRest));
      }
      send_one();
    }
    while (!first.empty() || !rest.empty()) send_one();
  }
}

}  // namespace

Lost low_priority_lost_by_vpe(std::uint32_t window_bits, std::uint64_t seed) {
  const auto sender = test::sender(gcm(), {.spi = kSpi});
  const auto receiver = test::receiver(gcm(), {.spi = kSpi, .window_bits = window_bits});
  const Bytes inner = test::ipv4(64);
  Lost out;
  over_the_link(
      seed, [&](std::uint8_t traffic_class) { return test::seal(*sender, inner, traffic_class); },
      [&](Bytes wire, bool is_rest) {
        const bool passed = test::open(*receiver, std::move(wire)).drop == Drop::None;
        out.sent += is_rest ? 1 : 0;
        out.lost += is_rest && !passed ? 1 : 0;
      });
  return out;
}

Lost low_priority_lost_by_esp(std::uint32_t window_bits, std::uint64_t seed) {
  EspSender sender(gcm(), {kSpi});
  EspReceiver receiver(gcm(), {.spi = kSpi, .window_bits = window_bits});
  const Bytes inner = test::ipv4(64);
  Lost out;
  over_the_link(
      seed, [&](std::uint8_t) { return test::seal(sender, inner); },
      [&](Bytes wire, bool is_rest) {
        const bool passed = test::open(receiver, std::move(wire)).drop == Drop::None;
        out.sent += is_rest ? 1 : 0;
        out.lost += is_rest && !passed ? 1 : 0;
      });
  return out;
}

Lost lost_of_senders(std::uint16_t senders, std::uint64_t seed) {
  constexpr std::size_t kRounds = 400;
  std::mt19937_64 random(seed);
  const Bytes inner = test::ipv4(64);
  std::vector<std::unique_ptr<Sender>> all;
  for (std::uint16_t i = 0; i < senders; ++i)
    all.push_back(test::sender(gcm(), {.spi = kSpi, .sender = SenderId{i}}));
  const Receiver::Options anybody{.spi = kSpi, .sender = std::nullopt, .window_bits = 64};
  const auto early = test::receiver(gcm(), anybody), late = test::receiver(gcm(), anybody);
  Lost out;
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      // the last one sends 50 times as often as the first
      for (std::size_t many = random() % (1 + 50 * i / all.size()) + 1; many > 0; --many) {
        const Bytes wire = test::seal(*all[i], inner);
        ++out.sent;
        const bool heard = test::open(*early, wire).drop == Drop::None;
        const bool heard_late = round < kRounds / 2 || test::open(*late, wire).drop == Drop::None;
        out.lost += heard && heard_late ? 0 : 1;
      }
    }
  }
  return out;
}

}  // namespace hasync::vpe::bench
