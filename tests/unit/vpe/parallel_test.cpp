// Several workers at once: ESP's parallel form, and VPE's workers on one SA.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "tests/support/vpe_packets.h"

namespace hasync::vpe {
namespace {

constexpr EspSpi kSpi{0xc0ffee03};
constexpr int kWorkers = 3;
constexpr std::size_t kPackets = 600;  // of each, in batches of 20

std::unique_ptr<Gcm> gcm() {
  return test::gcm("auto", test::key(16));
}

template <typename Work>
void at_once(Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kWorkers; ++i) threads.emplace_back([&work, i] { work(i); });
  for (auto& thread : threads) thread.join();
}

// In batches, in place; `wires` hold payload behind a header, with ESP's room.
template <typename Any>
void seal_all(Any& sender, std::vector<Bytes>& wires, std::size_t header, std::size_t room) {
  for (std::size_t at = 0; at < wires.size(); at += 20) {
    std::array<Packet, 20> batch;
    std::array<Piece, 20> pieces;
    for (std::size_t i = 0; i < 20; ++i) {
      Bytes& wire = wires[at + i];
      pieces[i] = {wire.data() + header, wire.data() + header, wire.size() - header - room};
      batch[i] = {.header = wire.data(), .pieces = {&pieces[i], 1}};
    }
    EXPECT_EQ(sender.seal(batch), 20U);
    for (std::size_t i = 0; i < 20; ++i) wires[at + i].resize(batch[i].size);
  }
}

std::vector<Bytes> to_seal(std::size_t header, std::size_t room) {
  Bytes one(header);
  const Bytes inner = test::ipv4(60);
  one.insert(one.end(), inner.begin(), inner.end());
  one.resize(one.size() + room);
  return std::vector<Bytes>(kPackets, one);
}

TEST(Parallel, EspWorkersNeverUseANumberTwiceAndNeverTakeOneTwice) {
  const auto numbers = std::make_shared<EspNumbers>();
  const auto window = std::make_shared<EspWindow>(65536);
  std::array<std::vector<Bytes>, kWorkers> sent;
  at_once([&](int worker) {
    EspSender sender(gcm(), {kSpi}, numbers);
    auto& wires = sent[static_cast<std::size_t>(worker)];
    wires = to_seal(kEspHeaderSize, kEspRoom);
    seal_all(sender, wires, kEspHeaderSize, kEspRoom);
  });
  std::set<Bytes> headers;
  for (const auto& wires : sent)
    for (const Bytes& wire : wires) headers.insert(Bytes(wire.begin(), wire.begin() + kEspHeaderSize));
  EXPECT_EQ(headers.size(), kWorkers * kPackets);
  EXPECT_EQ(numbers->last, kWorkers * kPackets);

  // every worker gets everything: each packet must pass exactly once
  std::atomic<std::size_t> passed{0};
  at_once([&](int) {
    EspReceiver receiver(gcm(), {kSpi}, window);
    for (const auto& wires : sent) {
      for (Bytes wire : wires) passed += test::open(receiver, wire).drop == Drop::None ? 1 : 0;
    }
  });
  EXPECT_EQ(passed, kWorkers * kPackets);
}

TEST(Parallel, VpeWorkersShareAnSaWithoutSharingAnything) {
  std::array<std::vector<Bytes>, kWorkers> sent;
  std::array<std::unique_ptr<Sender>, kWorkers> senders;
  at_once([&](int worker) {
    const auto at = static_cast<std::size_t>(worker);
    senders[at] = test::sender(gcm(), {.spi = kSpi, .place = {.core = static_cast<std::uint8_t>(worker)}});
    sent[at] = to_seal(kHeaderSize, 0);
    seal_all(*senders[at], sent[at], kHeaderSize, 0);
  });
  std::set<Bytes> ivs;
  for (const auto& wires : sent)
    for (const Bytes& wire : wires) ivs.insert(Bytes(wire.begin() + kIvAt, wire.begin() + kIcvAt));
  EXPECT_EQ(ivs.size(), kWorkers * kPackets);

  // two workers receive, by lane
  std::array<std::size_t, 2> passed{};
  at_once([&](int worker) {
    if (worker >= 2) return;
    const auto receiver = test::receiver(gcm(), {.spi = kSpi});
    for (const auto& wires : sent) {
      for (const Bytes& wire : wires) {
        if (lane(decode_packet(wire)->name) % 2 != static_cast<std::uint32_t>(worker)) continue;
        passed[static_cast<std::size_t>(worker)] += test::open(*receiver, wire).drop == Drop::None ? 1 : 0;
      }
    }
  });
  EXPECT_EQ(passed[0] + passed[1], kWorkers * kPackets);
  EXPECT_GT(passed[0], 0U);
  EXPECT_GT(passed[1], 0U);
}

// Counters are read by others while their worker writes them.
TEST(Parallel, CountersCanBeReadAtAnyTime) {
  const auto sender = test::sender(gcm(), {.spi = kSpi});
  std::atomic<bool> done{false};
  std::thread reader([&] {
    std::uint64_t last = 0;
    while (!done) {
      const std::uint64_t now = sender->counters().packets;
      EXPECT_GE(now, last);
      last = now;
    }
  });
  auto wires = to_seal(kHeaderSize, 0);
  seal_all(*sender, wires, kHeaderSize, 0);
  done = true;
  reader.join();
  EXPECT_EQ(sender->counters().packets, kPackets);
}

}  // namespace
}  // namespace hasync::vpe
