// The gate: which sequence numbers leave, what is recorded of them, and that nothing short, split or odd
// slips by.
#include <algorithm>
#include <random>

#include "tests/unit/clusterip/gate_fixture.h"

namespace hasync::clusterip::test {
namespace {

class GateNumbers : public GateTest {
 protected:
  void SetUp() override {
    GateTest::SetUp();
    if (gate_) gate_->set_all_deadlines(now() + 60s);
  }
  static Bytes natt_out(const Bytes& body, int udp_length_error = 0) {
    return ipv4_frame({.from = kVip, .to = kPeer, .protocol = 17}, udp(4500, 4500, body, udp_length_error));
  }
};

constexpr std::uint16_t kMoreFragments = 0x2000;

TEST_F(GateNumbers, UnknownSaIsDropped) {
  expect_out(esp_out(1), Reason::NoEntry);
  open(1, 100);
  expect_out(esp_out(1, EspSpi{0xc0ffee02}), Reason::NoEntry);
  expect_out(ipv4_frame({.from = kVip, .to = "198.51.100.8"}, esp(kSpi.value, 1)), Reason::NoEntry);
}

// MOBIKE (RFC 4555) may move an SA to an address that is this node's own: another node may have it by then.
TEST_F(GateNumbers, AnSaThatHasLeftTheVipIsJudgedAsBefore) {
  const std::string node = "192.0.2.11";
  const auto moved = [&](std::uint32_t number, bool udp_encapsulated) {
    const auto packet = esp(kSpi.value, number);
    return udp_encapsulated ? ipv4_frame({.from = node, .to = kPeer, .protocol = 17}, udp(4500, 4500, packet))
                            : ipv4_frame({.from = node, .to = kPeer}, packet);
  };
  open(1, 100);
  expect_out(moved(50, false), Reason::Passed);
  expect_out(moved(50, true), Reason::Repeated);
  expect_out(moved(51, true), Reason::Passed);
  expect_out(moved(100, false), Reason::AtCeiling);
  gate_->close_all();
  expect_out(moved(52, false), Reason::NoFence);
}

// Whoever knows peer and SPI could have such packets forwarded, and spend the lease of an SA.
TEST_F(GateNumbers, NobodySendsOursThroughUs) {
  open(1, 100);
  const auto forged = [](const Bytes& packet, std::uint8_t protocol) {
    return ipv4_frame({.from = "10.1.0.66", .to = kPeer, .protocol = protocol}, packet);
  };
  expect_in(forged(esp(kSpi.value, 99), 50), Reason::NoEntry);
  expect_in(forged(udp(40000, 4500, esp(kSpi.value, 99)), 17), Reason::NoEntry);
  expect_in(forged(esp(kSpi.value + 1, 99), 50), std::nullopt);
  expect_out(esp_out(1), Reason::Passed);
}

TEST_F(GateNumbers, FloorIsIncludedAndCeilingIsNot) {
  open(100, 200);
  expect_out(esp_out(99), Reason::BelowFloor);
  expect_out(esp_out(100), Reason::Passed);
  expect_out(esp_out(199), Reason::Passed);
  expect_out(esp_out(200), Reason::AtCeiling);
}

TEST_F(GateNumbers, TopIsOneAboveTheHighestThatLeft) {
  open(100, 200);
  EXPECT_EQ(gate_->top(sa()), 100U);
  expect_out(esp_out(150), Reason::Passed);
  EXPECT_EQ(gate_->top(sa()), 151U);
  expect_out(esp_out(120), Reason::Passed);  // a late one
  EXPECT_EQ(gate_->top(sa()), 151U);
  expect_out(esp_out(200), Reason::AtCeiling);  // one that stayed
  EXPECT_EQ(gate_->top(sa()), 151U);
  EXPECT_EQ(gate_->top(sa(EspSpi{1})), std::nullopt);
}

TEST_F(GateNumbers, ComparisonWrapsWithTheLowHalf) {
  const std::uint64_t floor = 0x5fffffff0;
  open(floor, floor + 0x20);
  expect_out(esp_out(0xffffffef), Reason::BelowFloor);
  expect_out(esp_out(0xfffffff0), Reason::Passed);
  EXPECT_EQ(gate_->top(sa()), 0x5fffffff1U);
  expect_out(esp_out(0x0000000f), Reason::Passed);
  EXPECT_EQ(gate_->top(sa()), 0x600000010U);
  expect_out(esp_out(0x00000010), Reason::AtCeiling);
}

TEST_F(GateNumbers, OffloadedSegmentsEachCount) {
  open(100, 200);
  expect_out(esp_out(190), Reason::Passed, {.size = 1000, .segments = 10});
  EXPECT_EQ(gate_->top(sa()), 200U);
  expect_out(esp_out(191), Reason::AtCeiling, {.size = 1000, .segments = 10});
  expect_out(esp_out(150), Reason::Malformed, {.size = 1000, .segments = 0});
  expect_out(natt_out(esp(kSpi.value, 150)), Reason::Malformed, {.size = 1000, .segments = 2});
}

TEST_F(GateNumbers, AgreesWithPlainArithmetic) {
  std::mt19937_64 random(20240517);
  for (int i = 0; i < 5000; ++i) {
    const OutboundKey key = sa(EspSpi{static_cast<std::uint32_t>(i) + 1});
    const std::uint64_t floor = random() >> (random() % 40);
    const std::uint64_t width = random() % (std::uint64_t{1} << 31) >> (random() % 31);
    const std::uint64_t segments = 1 + random() % 60;
    const std::uint64_t near = random() % 2 == 0 ? floor : floor + width;
    const std::uint64_t number = near + random() % 130 - 65;
    open(floor, floor + width, key);
    // within the reach of serial comparison the low half says the same as the whole number
    const auto above = static_cast<std::int64_t>(number - floor);
    const bool inside = above >= 0 && static_cast<std::uint64_t>(above) + segments <= width;
    const auto passed = run(true, esp_out(static_cast<std::uint32_t>(number), key.spi),
                            {.size = 1000, .segments = static_cast<std::uint32_t>(segments)});
    ASSERT_EQ(passed, inside) << "floor " << floor << " width " << width << " number " << number
                              << " segments " << segments;
    ASSERT_EQ(gate_->top(key), inside ? number + segments : floor);
    ASSERT_TRUE(gate_->remove_sas({&key, 1}));
  }
}

TEST_F(GateNumbers, EspInUdpIsEsp) {
  open(10, 20);
  expect_out(natt_out(esp(kSpi.value, 9)), Reason::BelowFloor);
  expect_out(natt_out(esp(kSpi.value, 15)), Reason::Passed);
  EXPECT_EQ(gate_->top(sa()), 16U);
  expect_out(natt_out(ike(true)), Reason::Passed);
  expect_out(natt_out(Bytes{0xff}), Reason::Passed);
  EXPECT_EQ(gate_->top(sa()), 16U);
  gate_->close_all();
  expect_out(natt_out(Bytes{0xff}), Reason::NoFence);
  expect_out(natt_out(esp(kSpi.value, 16)), Reason::NoFence);
}

TEST_F(GateNumbers, NattBodiesThatAreNeitherAreDropped) {
  open(0, 100);
  for (const Bytes& body : {Bytes{}, Bytes{0xfe}, Bytes{0, 0}, Bytes{0xff, 0xff, 0xff}}) {
    expect_out(natt_out(body), Reason::Malformed);
  }
  for (std::size_t length = 4; length < 8; ++length) {
    expect_out(natt_out(Bytes(length, 0xc0)), Reason::Malformed, {},
               testing::Message() << length << " bytes");
  }
  expect_out(natt_out(esp(kSpi.value, 5), +1), Reason::Malformed);
  expect_out(natt_out(esp(kSpi.value, 5, 0), -1), Reason::Malformed);
  expect_out(natt_out(esp(kSpi.value, 5), -41), Reason::Malformed);
}

TEST_F(GateNumbers, Ipv4OptionsAreSteppedOver) {
  open(1, 12);
  for (std::uint8_t options = 0; options <= 10; ++options) {
    expect_out(ipv4_frame({.from = kVip, .to = kPeer, .options = options}, esp(kSpi.value, 1U + options)),
               Reason::Passed);
    expect_out(ipv4_frame({.from = kVip, .to = kPeer, .options = options}, esp(kSpi.value, 12)),
               Reason::AtCeiling);
  }
}

TEST_F(GateNumbers, HeadersThatContradictThemselvesAreDropped) {
  open(0, 100);
  expect_out(ipv4_frame({.from = kVip, .to = kPeer, .version = 5}, esp(kSpi.value, 3)), Reason::Malformed);
  expect_out(ipv4_frame({.from = kVip, .to = kPeer, .length_error = 1}, esp(kSpi.value, 3)),
             Reason::Malformed);
  expect_out(ipv4_frame({.from = kVip, .to = kPeer, .length_error = -33}, esp(kSpi.value, 3)),
             Reason::Malformed);
  expect_out(ipv4_frame({.from = kVip, .to = kPeer, .length_error = -60}, esp(kSpi.value, 3)),
             Reason::Malformed);
  Bytes short_header = esp_out(3);
  short_header[14] = 0x44;
  expect_out(short_header, Reason::Malformed);
}

TEST_F(GateNumbers, CutShortAtAnyByteNothingPasses) {
  open(0, 1U << 30);
  const std::vector<Bytes> wholes = {
      esp_out(5), natt_out(esp(kSpi.value, 5)),
      ipv4_frame({.from = kVip, .to = kPeer, .options = 3}, esp(kSpi.value, 5)), natt_out(ike(true))};
  for (const Bytes& whole : wholes) {
    std::size_t judged = 0;
    for (std::size_t length = 14; length < whole.size(); ++length) {
      const auto passed = run(true, Bytes(whole.begin(), whole.begin() + static_cast<long>(length)));
      judged += passed.has_value() ? 1 : 0;
      ASSERT_FALSE(passed.value_or(false)) << length << " of " << whole.size() << " bytes";
    }
    EXPECT_GE(judged, whole.size() - 34);
  }
  EXPECT_EQ(gate_->top(sa()), 0U);
}

TEST_F(GateNumbers, LaterFragmentsFollowTheirFirstOnly) {
  open(1, 10);
  const auto fragment = [](std::uint16_t at, std::uint16_t id, std::uint32_t number) {
    return ipv4_frame({.from = kVip, .to = kPeer, .fragment = at, .id = id}, esp(kSpi.value, number));
  };
  expect_out(fragment(5, 1, 3), Reason::Fragment);  // bytes that look like a header are not read as one
  expect_out(fragment(kMoreFragments, 1, 3), Reason::Passed);
  EXPECT_EQ(gate_->top(sa()), 4U);
  expect_out(fragment(kMoreFragments | 5, 1, 3), Reason::Passed);
  expect_out(fragment(10, 1, 3), Reason::Passed);
  expect_out(fragment(5, 2, 3), Reason::Fragment);
  // the same identification again, but this time the number may not leave
  expect_out(fragment(kMoreFragments, 1, 10), Reason::AtCeiling);
  expect_out(fragment(5, 1, 3), Reason::Fragment);
  gate_->close_all();
  expect_out(fragment(5, 1, 3), Reason::NoFence);
}

TEST_F(GateNumbers, FragmentsOfUdpFollowWhetherIkeOrNot) {
  const auto part = [](std::uint16_t at, std::uint16_t id, std::uint16_t port) {
    return ipv4_frame({.from = kVip, .to = kPeer, .protocol = 17, .fragment = at, .id = id},
                      udp(port, port, ike(), 3000));
  };
  expect_out(part(kMoreFragments, 1, 500), Reason::Passed);
  expect_out(part(5, 1, 500), Reason::Passed);
  expect_out(part(kMoreFragments, 2, 53), std::nullopt);
  expect_out(part(5, 2, 53), Reason::Passed);
  expect_out(part(5, 3, 500), Reason::Fragment);
}

TEST_F(GateNumbers, Ipv6EspIsJudgedByTheSameRules) {
  const std::string peer6 = "2001:db8::7";
  open(10, 20, sa(kSpi, peer6));
  expect_out(ipv6_frame(kVip6, peer6, 50, esp(kSpi.value, 9)), Reason::BelowFloor);
  expect_out(ipv6_frame(kVip6, peer6, 50, esp(kSpi.value, 10)), Reason::Passed);
  expect_out(ipv6_frame(kVip6, peer6, 17, udp(4500, 4500, esp(kSpi.value, 20))), Reason::AtCeiling);
  gate_->close_all();
  expect_out(ipv6_frame(kVip6, peer6, 50, esp(kSpi.value, 11)), Reason::NoFence);
}

}  // namespace
}  // namespace hasync::clusterip::test
