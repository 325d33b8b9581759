// The fence: which packets the programs judge, and that only a running deadline lets them pass.
#include "tests/unit/clusterip/gate_fixture.h"

namespace hasync::clusterip::test {
namespace {

class GateFence : public GateTest {};

Bytes ike_out(std::uint16_t from = 500, std::uint16_t to = 500, const Bytes& body = ike()) {
  return ipv4_frame({.from = kVip, .to = kPeer, .protocol = 17}, udp(from, to, body));
}
Bytes ike_in(const std::string& peer = kPeer) {
  return ipv4_frame({.from = peer, .to = kVip, .protocol = 17}, udp(500, 500, ike()));
}

TEST_F(GateFence, ClosedAtTheStartInBothDirections) {
  open(1, 100);
  expect_out(ike_out(), Reason::NoFence);
  expect_out(esp_out(5), Reason::NoFence);
  expect_in(ike_in(), Reason::NoFence);
  expect_in(ipv4_frame({.from = kPeer, .to = kVip}, esp(7, 1)), Reason::NoFence);
}

TEST_F(GateFence, OpenSegmentPassesAndItsNeighboursDoNot) {
  gate_->set_deadline(segment_of(address(kPeer)), now() + 10s);
  expect_out(ike_out(), Reason::Passed);
  expect_in(ike_in(), Reason::Passed);
  expect_in(ipv4_frame({.from = kPeer, .to = kVip}, esp(7, 1)), Reason::Passed);
  const std::string other = "198.51.100.8";
  ASSERT_NE(segment_of(address(other)), segment_of(address(kPeer)));
  expect_in(ike_in(other), Reason::NoFence);
  expect_out(ipv4_frame({.from = kVip, .to = other, .protocol = 17}, udp(500, 500, ike())), Reason::NoFence);
}

// What may move a replay window: counted before it is decrypted.
TEST_F(GateFence, EspThatIsLetInIsCountedApart) {
  const auto esp_in = ipv4_frame({.from = kPeer, .to = kVip}, esp(7, 1));
  const auto esp_in_udp = ipv4_frame({.from = kPeer, .to = kVip, .protocol = 17}, udp(4500, 4500, esp(7, 2)));
  const auto let_in = [&] { return gate_->counters()->esp_let_in; };
  expect_in(esp_in, Reason::NoFence);
  EXPECT_EQ(let_in(), 0U);
  gate_->set_all_deadlines(now() + 10s);
  expect_in(ike_in(), Reason::Passed);
  EXPECT_EQ(let_in(), 0U);
  expect_in(esp_in, Reason::Passed);
  EXPECT_EQ(let_in(), 1U);
  expect_in(esp_in_udp, Reason::Passed);
  EXPECT_EQ(let_in(), 2U);
}

TEST_F(GateFence, ProgramsAndDaemonAgreeOnEverySegment) {
  for (std::uint32_t i = 0; i < 250; ++i) {
    const std::string peer = "198.51." + std::to_string(i % 7) + "." + std::to_string(i);
    const std::string peer6 = "2001:db8:" + std::to_string(i) + "::" + std::to_string(i * 7 % 1000);
    gate_->close_all();
    gate_->set_deadline(segment_of(address(peer)), now() + 10s);
    expect_in(ike_in(peer), Reason::Passed);
    gate_->set_all_deadlines(now() + 10s);
    gate_->set_deadline(segment_of(address(peer)), kClosed);
    expect_in(ike_in(peer), Reason::NoFence);
    gate_->close_all();
    gate_->set_deadline(segment_of(address(peer6)), now() + 10s);
    expect_in(ipv6_frame(peer6, kVip6, 17, udp(500, 500, ike())), Reason::Passed);
  }
}

TEST_F(GateFence, DeadlineIsExact) {
  const Deadline end = now() + 20ms;
  gate_->set_all_deadlines(end);
  int passed = 0;
  int dropped = 0;
  while (dropped < 200) {
    const Deadline before = now();
    const auto verdict = run(true, ike_out());
    const Deadline after = now();
    ASSERT_TRUE(verdict.has_value());
    ASSERT_TRUE(after >= end || *verdict) << "dropped before the deadline";
    ASSERT_TRUE(before < end || !*verdict) << "passed after the deadline";
    ++(*verdict ? passed : dropped);
  }
  EXPECT_GT(passed, 0);
}

TEST_F(GateFence, PastDeadlineIsClosedAndCloseAllClosesAll) {
  gate_->set_all_deadlines(now() - 1ns);
  expect_out(ike_out(), Reason::NoFence);
  gate_->set_all_deadlines(now() + 10s);
  expect_out(ike_out(), Reason::Passed);
  gate_->close_all();
  expect_out(ike_out(), Reason::NoFence);
  expect_out(arp(2, kVip, kPeer), Reason::AddressFenced);
}

TEST_F(GateFence, ASegmentThatDoesNotExistOpensNothing) {
  gate_->set_deadline(SegmentId{kSegments}, now() + 10s);
  expect_out(arp(2, kVip, kPeer), Reason::AddressFenced);
}

TEST_F(GateFence, WhatIsNotOfAVipIsNotTouched) {
  const std::string node = "192.0.2.11";
  expect_out(ipv4_frame({.from = node, .to = kPeer, .protocol = 17}, udp(500, 500, ike())), std::nullopt);
  expect_out(ipv4_frame({.from = node, .to = kPeer}, esp(1, 1)), std::nullopt);
  expect_in(ipv4_frame({.from = kPeer, .to = node}, esp(1, 1)), std::nullopt);
  expect_out(ethernet(0x88cc, Bytes(40, 1)), std::nullopt);
  // of a VIP, but neither IKE nor ESP
  expect_out(ipv4_frame({.from = kVip, .to = kPeer, .protocol = 1}, Bytes(8, 0)), std::nullopt);
  expect_out(ipv4_frame({.from = kVip, .to = kPeer, .protocol = 6}, Bytes(20, 0)), std::nullopt);
  expect_out(ike_out(53, 4444), std::nullopt);
  expect_in(ipv4_frame({.from = kPeer, .to = kVip, .protocol = 17}, udp(4444, 53, ike())), std::nullopt);
}

TEST_F(GateFence, IkeIsJudgedByEitherPort) {
  for (const auto& [from, to] :
       {std::pair<std::uint16_t, std::uint16_t>{500, 500}, {500, 12345}, {12345, 500}}) {
    expect_out(ike_out(from, to), Reason::NoFence);
  }
  for (const auto& [from, to] :
       {std::pair<std::uint16_t, std::uint16_t>{4500, 4500}, {4500, 12345}, {12345, 4500}}) {
    expect_out(ike_out(from, to, ike(true)), Reason::NoFence);
  }
  gate_->set_all_deadlines(now() + 10s);
  expect_out(ike_out(12345, 4500, ike(true)), Reason::Passed);
}

TEST_F(GateFence, OtherPortsCanBeConfigured) {
  gate_ = make_gate({.ike_port = 1500, .natt_port = 1501});
  expect_out(ike_out(500, 500), std::nullopt);
  expect_out(ike_out(1500, 1500), Reason::NoFence);
  expect_out(ike_out(1501, 1501, ike(true)), Reason::NoFence);
}

TEST_F(GateFence, ArpThatSpeaksForAVipNeedsTheAddressDeadline) {
  for (const std::uint16_t operation : {std::uint16_t{1}, std::uint16_t{2}}) {
    expect_out(arp(operation, kVip, kPeer), Reason::AddressFenced);
    expect_out(arp(operation, kVip, kVip), Reason::AddressFenced);
    expect_out(arp(operation, "192.0.2.11", kVip), std::nullopt);
  }
  gate_->set_address_deadline(now() + 10s);
  expect_out(arp(1, kVip, kVip), Reason::Passed);
  expect_out(arp(2, kVip, kPeer), Reason::Passed);
  expect_out(ike_out(), Reason::NoFence);  // the address alone opens no segment
  gate_->close_all();
  expect_in(arp(1, kVip, kPeer), std::nullopt);
}

TEST_F(GateFence, ArpCutShortIsDropped) {
  gate_->set_all_deadlines(now() + 10s);
  const Bytes whole = arp(2, kVip, kPeer);
  for (std::size_t length = 14; length < 14 + 18; ++length) {
    expect_out(Bytes(whole.begin(), whole.begin() + static_cast<long>(length)), Reason::Malformed);
  }
}

TEST_F(GateFence, NeighbourDiscoveryThatSpeaksForAVipNeedsTheAddressDeadline) {
  const std::string own = "fe80::1";
  const std::string other = "2001:db8::11";
  const Bytes claims[] = {neighbour(136, kVip6, kVip6), neighbour(136, own, kVip6),
                          neighbour(135, kVip6, other)};
  for (const Bytes& claim : claims) expect_out(claim, Reason::AddressFenced);
  expect_out(neighbour(136, own, other), std::nullopt);
  expect_out(neighbour(135, own, kVip6), std::nullopt);  // who asks for it does not say that he has it
  expect_out(neighbour(128, kVip6, kVip6), std::nullopt);
  gate_->set_address_deadline(now() + 10s);
  for (const Bytes& claim : claims) expect_out(claim, Reason::Passed);
  gate_->close_all();
  for (const Bytes& claim : claims) expect_in(claim, std::nullopt);
}

TEST_F(GateFence, VlanTagIsLookedThrough) {
  Bytes tagged = ike_out();
  const Bytes tag{0x81, 0x00, 0x00, 0x0a};
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  expect_out(tagged, Reason::NoFence);
  gate_->set_all_deadlines(now() + 10s);
  expect_out(tagged, Reason::Passed);
}

TEST_F(GateFence, NeitherAhNorHiddenIpv6HeadersGetOut) {
  gate_->set_all_deadlines(now() + 10s);
  expect_out(ipv4_frame({.from = kVip, .to = kPeer, .protocol = 51}, esp(1, 1)), Reason::NoEntry);
  for (const std::uint8_t next : {std::uint8_t{0}, std::uint8_t{43}, std::uint8_t{60}}) {
    expect_out(ipv6_frame(kVip6, "2001:db8::7", next, Bytes(40, 0)), Reason::Malformed);
  }
  expect_out(ipv6_frame(kVip6, "2001:db8::7", 44, Bytes(40, 0)), Reason::Fragment);
  expect_out(ipv6_frame(kVip6, "2001:db8::7", 58, Bytes(40, 0)), std::nullopt);
}

}  // namespace
}  // namespace hasync::clusterip::test
