#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "tests/support/vpe_packets.h"
#include "vpe/adapters/gcm_providers.h"

namespace hasync::vpe {
namespace {

constexpr EspSpi kSpi{0xc0ffee01};

// A sender and a receiver under one key, by each library and length of key.
class Engine : public testing::TestWithParam<std::tuple<const char*, std::size_t>> {
 protected:
  void SetUp() override {
    if (!make_gcm_provider(std::get<0>(GetParam())))
      GTEST_SKIP() << "SKIPPED: this library does not work here";
  }
  std::unique_ptr<Gcm> gcm() {
    return test::gcm(std::get<0>(GetParam()), test::key(std::get<1>(GetParam())));
  }
  std::unique_ptr<Sender> sender(Place place = {}, SenderId id = kUnicast) {
    return test::sender(gcm(), {.spi = kSpi, .sender = id, .place = place});
  }
  std::unique_ptr<Receiver> receiver(std::optional<SenderId> from = kUnicast,
                                     std::uint32_t window_bits = 1024) {
    return test::receiver(gcm(), {.spi = kSpi, .sender = from, .window_bits = window_bits});
  }
};
INSTANTIATE_TEST_SUITE_P(Libraries, Engine,
                         testing::Combine(testing::Values("ipsec-mb", "openssl"), testing::Values(16, 32)));

TEST_P(Engine, WhatIsSealedOpensAgain) {
  const auto out = sender({.node = 2, .incarnation = 3, .core = 4});
  const auto in = receiver();
  for (const Bytes& inner : {test::ipv4(20), test::ipv4(64), test::ipv4(1420), test::ipv6(40),
                             test::ipv6(9000), test::ipv4(kLargestPayload)}) {
    const Bytes wire = test::seal(*out, inner, 3);
    ASSERT_EQ(wire.size(), inner.size() + kHeaderSize);
    const auto opened = test::open(*in, wire);
    ASSERT_EQ(opened.drop, Drop::None);
    EXPECT_EQ(opened.inner, inner);
    EXPECT_EQ(opened.traffic_class, 3);
  }
  EXPECT_EQ(in->windows(), (std::vector<WindowState>{{{kUnicast, window_id(out->place(), 3)}, 6}}));
  EXPECT_EQ(out->next_number(3), 7U);
  EXPECT_EQ(out->next_number(0), 1U);
}

TEST_P(Engine, HeaderSaysWhoCountsAndHowFar) {
  const Place place{.node = 1, .incarnation = 9, .core = 17};
  const auto out = sender(place, SenderId{77});
  test::seal(*out, test::ipv4(40), 2);
  const Bytes wire = test::seal(*out, test::ipv4(40), 2);
  EXPECT_EQ(decode_packet(wire), (Header{kSpi, {SenderId{77}, window_id(place, 2)}, 2}));
}

TEST_P(Engine, APayloadInPiecesIsTheSameOnTheWire) {
  const Bytes inner = test::ipv4(1420, 9);
  const Bytes whole = test::seal(*sender(), inner);
  for (const std::size_t cut : {1U, 5U, 16U, 700U, 1419U}) {
    Bytes head(inner.begin(), inner.begin() + static_cast<std::ptrdiff_t>(cut)),
        rest(inner.begin() + static_cast<std::ptrdiff_t>(cut), inner.end());
    Bytes header(kHeaderSize), cipher(inner.size());
    const std::array<Piece, 3> pieces{{{head.data(), cipher.data(), cut},
                                       {nullptr, nullptr, 0},
                                       {rest.data(), cipher.data() + cut, rest.size()}}};
    Packet packet{.header = header.data(), .pieces = pieces};
    ASSERT_EQ(sender()->seal({&packet, 1}), 1U);
    Bytes wire = header;
    wire.insert(wire.end(), cipher.begin(), cipher.end());
    ASSERT_EQ(wire, whole);

    // and opens from three buffers, each in its place
    Bytes first(cipher.begin(), cipher.begin() + 3), second(cipher.begin() + 3, cipher.begin() + 100),
        third(cipher.begin() + 100, cipher.end());
    const std::array<Piece, 3> chained{{{first.data(), first.data(), first.size()},
                                        {second.data(), second.data(), second.size()},
                                        {third.data(), third.data(), third.size()}}};
    Packet arrived{.header = header.data(), .pieces = chained};
    ASSERT_EQ(receiver()->open({&arrived, 1}), 1U);
    ASSERT_EQ(arrived.size, inner.size());
    Bytes plain = first;
    plain.insert(plain.end(), second.begin(), second.end());
    plain.insert(plain.end(), third.begin(), third.end());
    ASSERT_EQ(plain, inner);
  }
}

TEST_P(Engine, ReceiverCutsPaddingOff) {
  Bytes padded = test::ipv4(100);
  padded.resize(300);
  const auto opened = test::open(*receiver(), test::seal(*sender(), padded));
  ASSERT_EQ(opened.drop, Drop::None);
  EXPECT_EQ(opened.inner, test::ipv4(100));
}

TEST_P(Engine, ABatchGoesOnBehindABadPacket) {
  const auto in = receiver();
  const auto out = sender();
  std::vector<Bytes> wires;
  for (int i = 0; i < 5; ++i) wires.push_back(test::seal(*out, test::ipv4(100)));
  wires[1].resize(40);
  wires[2][60] ^= 1;
  wires[4] = wires[3];
  std::vector<Packet> batch(5);
  std::vector<Piece> pieces(5);
  for (std::size_t i = 0; i < 5; ++i) lay_out(wires[i], batch[i], pieces[i]);
  EXPECT_EQ(in->open(batch), 2U);
  std::vector<Drop> drops;
  for (const Packet& packet : batch) drops.push_back(packet.drop);
  EXPECT_EQ(drops,
            (std::vector<Drop>{Drop::None, Drop::Truncated, Drop::Forged, Drop::None, Drop::Replayed}));
  EXPECT_EQ(in->counters().packets, 2U);
  EXPECT_EQ(in->counters().bytes, 200U);
  for (const Drop drop : {Drop::Truncated, Drop::Forged, Drop::Replayed})
    EXPECT_EQ(in->counters().dropped(drop), 1U);
}

TEST_P(Engine, FreshWindowsBeginAtOneAndCloseTheOldOnes) {
  const auto out = sender();
  const auto in = receiver();
  const Bytes recorded = test::seal(*out, test::ipv4(60));  // before this receiver existed
  EXPECT_FALSE(out->move_to(0));
  ASSERT_TRUE(out->move_to(1));
  in->retire_below(kUnicast, 0, 1);
  EXPECT_EQ(test::open(*in, recorded).drop, Drop::Retired);
  const Bytes fresh = test::seal(*out, test::ipv4(60));
  EXPECT_EQ(decode_packet(fresh)->number, 1U);
  EXPECT_EQ(test::open(*in, fresh).drop, Drop::None);
  EXPECT_FALSE(out->move_to(1));
  EXPECT_FALSE(out->move_to(kIncarnations));
}

TEST_P(Engine, AWindowResumedAtAMarkTakesNothingBelow) {
  const auto out = sender();
  const auto in = receiver();
  std::vector<Bytes> wires;
  for (int i = 0; i < 20; ++i) wires.push_back(test::seal(*out, test::ipv4(60)));
  ASSERT_TRUE(in->resume({kUnicast, window_id({}, 0)}, 10));
  EXPECT_EQ(test::open(*in, wires[9]).drop, Drop::Replayed);
  EXPECT_EQ(test::open(*in, wires[10]).drop, Drop::None);
  EXPECT_EQ(test::open(*in, wires[19]).drop, Drop::None);
  EXPECT_EQ(test::open(*in, wires[12]).drop, Drop::None);
  in->retire_below(kUnicast, 0, 1);
  EXPECT_FALSE(in->resume({kUnicast, window_id({}, 0)}, 10));
}

// Slides, "QoS": what is overtaken must not fall out of the window of what overtakes it.
TEST_P(Engine, PriorityTrafficLeavesTheOtherClassesWindowAlone) {
  const auto out = sender();
  const auto in = receiver(kUnicast, 64);
  const Bytes waiting = test::seal(*out, test::ipv4(60), 0);
  for (int i = 0; i < 2000; ++i)
    ASSERT_EQ(test::open(*in, test::seal(*out, test::ipv4(60), 3)).drop, Drop::None);
  EXPECT_EQ(test::open(*in, waiting).drop, Drop::None);
}

// Slides, "Multicast": distinct senders count without coordination.
TEST_P(Engine, AHundredSendersShareAGroupKey) {
  const auto in = receiver(std::nullopt, 64);
  std::vector<std::unique_ptr<Sender>> senders;
  for (std::uint16_t i = 0; i < 100; ++i) senders.push_back(sender({}, SenderId{i}));
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < senders.size(); ++i) {
      for (std::size_t many = 0; many <= i; ++many)
        ASSERT_EQ(test::open(*in, test::seal(*senders[i], test::ipv4(60))).drop, Drop::None);
    }
  }
  EXPECT_EQ(in->windows().size(), 100U);
  EXPECT_EQ(in->counters().dropped(Drop::Replayed) + in->counters().dropped(Drop::Late), 0U);
}

TEST(EngineOptions, AreJudged) {
  const auto sealing = [](const Sender::Options& options) {
    return Sender::create(test::gcm("auto", test::key(16)), options).has_value();
  };
  EXPECT_TRUE(sealing({.spi = EspSpi{256}}));
  EXPECT_FALSE(sealing({.spi = EspSpi{255}})) << "reserved";
  EXPECT_FALSE(sealing({.spi = kSpi, .place = {.core = 32}}));
  EXPECT_FALSE(sealing({.spi = kSpi, .first_number = 0}));
  const auto opening = [](const Receiver::Options& options) {
    return Receiver::create(test::gcm("auto", test::key(16)), options).has_value();
  };
  EXPECT_TRUE(opening({.spi = kSpi}));
  EXPECT_FALSE(opening({.spi = kSpi, .window_bits = 1000}));
  EXPECT_FALSE(opening({.spi = kSpi, .most_windows = 0}));
  EXPECT_FALSE(opening({.spi = kSpi, .most_windows = 65537}));
}

TEST(Drops, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < kDrops; ++i) names.insert(name(static_cast<Drop>(i)));
  EXPECT_EQ(names.size(), kDrops);
  EXPECT_FALSE(names.contains("?"));
}

}  // namespace
}  // namespace hasync::vpe
