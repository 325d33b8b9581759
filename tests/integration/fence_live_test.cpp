// The fence on a real path: a gateway and a peer in two network namespaces, joined by a veth pair, real
// sockets, the kernel's own ARP. The programs run where they run in production. As root.
#include "tests/integration/fence_hosts.h"

namespace hasync::clusterip::test {
namespace {

class FenceLive : public FenceHosts {
 protected:
  // The next frame whose bytes 28..31 (ARP's sender address) are the VIP
  static std::optional<Bytes> arp_of_vip(const Fd& fd, int ms) {
    const auto end = now() + std::chrono::milliseconds(ms);
    while (readable(fd, static_cast<int>(std::max<std::int64_t>((end - now()) / 1ms, 0)))) {
      const Bytes frame = receive(fd);
      const auto vip = address(kVip);
      if (frame.size() >= 42 && std::equal(vip.wire().begin(), vip.wire().end(), frame.begin() + 28))
        return frame;
    }
    return std::nullopt;
  }
};

TEST_F(FenceLive, PacketsPassWhileRenewedAndStopAtTheDeadline) {
  know_neighbours();
  ASSERT_TRUE(announcer_->add(vip()));
  const Fd gateway = udp_socket(kVip, 500);
  const Fd peer = in_peer([] { return udp_socket(kPeer, 500); });

  ASSERT_TRUE(send(peer, kVip, 500, ike()));
  EXPECT_FALSE(readable(gateway, kNoFrame)) << "closed from the start";
  EXPECT_EQ(in()[Reason::NoFence], 1U);

  Deadline end{};
  for (int i = 0; i < 100; ++i) {  // renewed: nothing is lost, either way
    end = now() + 200ms;
    gate_->set_all_deadlines(end);
    ASSERT_TRUE(send(peer, kVip, 500, ike()));
    ASSERT_TRUE(readable(gateway, kFrame));
    receive(gateway);
    ASSERT_TRUE(send(gateway, kPeer, 500, ike()));
    ASSERT_TRUE(readable(peer, kFrame));
    receive(peer);
  }
  int passed = 0;
  for (int dropped = 0; dropped < 3;) {  // renewal stopped: veth delivers at once, so one poll tells
    const Deadline before = now();
    ASSERT_TRUE(send(peer, kVip, 500, ike()));
    const Deadline after = now();
    const bool arrived = readable(gateway, before >= end ? kNoFrame : 1);
    ASSERT_TRUE(after >= end || arrived) << "dropped before the deadline";
    ASSERT_TRUE(before < end || !arrived) << "passed after the deadline";
    if (arrived) receive(gateway);
    arrived ? ++passed : ++dropped;
  }
  EXPECT_GT(passed, 0);
  EXPECT_FALSE(send(gateway, kPeer, 500, ike()) && readable(peer, kNoFrame)) << "egress is silent as well";
}

TEST_F(FenceLive, GratuitousArpIsSeenOnceTheAddressIsOpen) {
  const Fd lan = in_peer([] { return packet_socket("peer0", ETH_P_ARP); });
  ASSERT_TRUE(announcer_->add(vip()));
  // The kernel reports a frame that a tc program dropped as sent or as ENOBUFS; what counts is the wire.
  (void)announcer_->announce_once(vip());
  EXPECT_EQ(arp_of_vip(lan, kNoFrame), std::nullopt);
  EXPECT_GE(out()[Reason::AddressFenced], 1U);

  gate_->set_address_deadline(now() + 60s);
  const auto status = announcer_->announce_once(vip());
  ASSERT_TRUE(status) << status.error().what;
  const auto request = arp_of_vip(lan, kFrame);
  const auto reply = arp_of_vip(lan, kFrame);
  ASSERT_TRUE(request && reply);
  EXPECT_EQ(request->at(21), 1);
  EXPECT_EQ(reply->at(21), 2);
  EXPECT_TRUE(std::equal(request->begin() + 28, request->begin() + 32, request->begin() + 38));
}

TEST_F(FenceLive, KernelAnswersArpForTheVipOnlyBeforeTheDeadline) {
  ASSERT_TRUE(announcer_->add(vip()));
  const Fd lan = in_peer([] { return packet_socket("peer0", ETH_P_ARP); });
  const auto ask = [&] {
    Bytes question = arp(1, kPeer, kVip);
    std::fill(question.begin(), question.begin() + 6, std::uint8_t{0xff});
    return write(lan.get(), question.data(), question.size()) == static_cast<ssize_t>(question.size());
  };
  ASSERT_TRUE(ask());
  EXPECT_EQ(arp_of_vip(lan, kNoFrame), std::nullopt) << "a daemon that renews nothing has a silent kernel";
  EXPECT_EQ(out()[Reason::AddressFenced], 1U);
  gate_->set_address_deadline(now() + 60s);
  ASSERT_TRUE(ask());
  EXPECT_NE(arp_of_vip(lan, kFrame), std::nullopt);
}

TEST_F(FenceLive, EspLeavesAsTheGateSaysAlsoFromANonLinearBuffer) {
  gate_->set_all_deadlines(now() + 60s);
  const SaLimits limits{{address(kPeer), EspSpi{0xabcd}}, 100, 200};
  ASSERT_TRUE(gate_->set_sas({&limits, 1}));
  const Fd lan = in_peer([] { return packet_socket("peer0", ETH_P_IP); });
  const Fd raw = packet_socket("wan0", ETH_P_IP);
  const int one = 1;
  ASSERT_EQ(setsockopt(raw.get(), SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)), 0);
  const auto leaves = [&](std::uint32_t number, std::size_t length) {
    // struct virtio_net_hdr; at 2 the length that must be linear: the IP header is not, if the frame exceeds
    // a page
    Bytes frame(10);
    frame[2] = ETH_HLEN;
    append(frame, ipv4_frame({.from = kVip, .to = kPeer}, esp(0xabcd, number, length)));
    (void)!write(raw.get(), frame.data(), frame.size());
    const bool seen = readable(lan, number >= 100 && number < 200 ? kFrame : kNoFrame);
    if (seen) receive(lan);
    return seen;
  };
  std::uint32_t inside = 150;
  for (const std::size_t length : {64U, 6000U}) {
    EXPECT_FALSE(leaves(99, length)) << length;
    EXPECT_TRUE(leaves(inside++, length)) << length;
    EXPECT_FALSE(leaves(200, length)) << length;
  }
  EXPECT_EQ(gate_->top(limits.key), inside);
  EXPECT_EQ(out()[Reason::BelowFloor], 2U);
  EXPECT_EQ(out()[Reason::AtCeiling], 2U);
}

TEST_F(FenceLive, FragmentsOfALargeIkeMessageArriveTogether) {
  know_neighbours();
  ASSERT_TRUE(announcer_->add(vip()));
  gate_->set_all_deadlines(now() + 60s);
  const Fd gateway = udp_socket(kVip, 500);
  const Fd peer = in_peer([] { return udp_socket(kPeer, 500); });
  const Bytes large(30000, 0x5a);
  ASSERT_TRUE(send(gateway, kPeer, 500, large));
  ASSERT_TRUE(readable(peer, kFrame));
  ASSERT_TRUE(send(peer, kVip, 500, large));
  ASSERT_TRUE(readable(gateway, kFrame));
  EXPECT_EQ(out()[Reason::Fragment], 0U);
  EXPECT_GE(out()[Reason::Passed], 4U);
}

// The kernel answers "port unreachable" only to what it takes as sent to this host.
TEST_F(FenceLive, MulticastFramesToAVipBecomeUnicast) {
  know_neighbours();
  ASSERT_TRUE(announcer_->add(vip()));
  gate_->set_all_deadlines(now() + 60s);
  const Fd lan = in_peer([] { return packet_socket("peer0", ETH_P_IP); });
  const Bytes frame =
      ethernet(0x0800, ipv4_packet({.from = kPeer, .to = kVip, .protocol = 17}, udp(500, 500, ike())), 0x03);
  ASSERT_EQ(write(lan.get(), frame.data(), frame.size()), static_cast<ssize_t>(frame.size()));
  ASSERT_TRUE(readable(lan, kFrame));
  const Bytes answer = receive(lan);
  ASSERT_GT(answer.size(), 35U);
  EXPECT_EQ(answer[23], 1) << "ICMP";
  EXPECT_EQ(answer[34], 3) << "destination unreachable";
}

TEST_F(FenceLive, DetachedProgramsAreNoticed) {
  for (const std::string damage : {"tc filter del dev wan0 egress", "tc filter del dev wan0 ingress",
                                   "tc qdisc del dev wan0 clsact", "ip link del wan0"}) {
    ASSERT_TRUE(gate_->check());
    const Fd watch(dup(gate_->watch_fd()));
    gate_->drain_watch();
    EXPECT_FALSE(readable(watch, 0));
    shell(damage);
    EXPECT_TRUE(readable(watch, kFrame)) << damage;
    gate_->drain_watch();
    const auto status = gate_->check();
    ASSERT_FALSE(status) << damage;
    EXPECT_EQ(status.error().code, Errc::NotFound);
    EXPECT_NE(status.error().what.find("wan0"), std::string::npos) << status.error().what;
    if (damage != "ip link del wan0") gate_ = make_gate();
  }
}

TEST_F(FenceLive, NextRunReplacesTheProgramsAndStartsClosed) {
  know_neighbours();
  ASSERT_TRUE(announcer_->add(vip()));
  const Fd gateway = udp_socket(kVip, 500);
  const Fd peer = in_peer([] { return udp_socket(kPeer, 500); });
  gate_->set_all_deadlines(now() + 60s);
  const auto next = make_gate();
  EXPECT_FALSE(gate_->check()) << "another's program is not ours";
  EXPECT_TRUE(next->check());
  ASSERT_TRUE(send(peer, kVip, 500, ike()));
  EXPECT_FALSE(readable(gateway, kNoFrame)) << "the old deadlines are of no use any more";
  next->set_all_deadlines(now() + 60s);
  ASSERT_TRUE(send(peer, kVip, 500, ike()));
  EXPECT_TRUE(readable(gateway, kFrame));
  gate_.reset();
  EXPECT_TRUE(next->check()) << "the old one's end does not touch the new one";
}

TEST_F(FenceLive, CleanStopLeavesAClosedFenceAndDetachLiftsIt) {
  know_neighbours();
  ASSERT_TRUE(announcer_->add(vip()));
  const Fd gateway = udp_socket(kVip, 500);
  const Fd peer = in_peer([] { return udp_socket(kPeer, 500); });
  gate_->set_all_deadlines(now() + 60s);
  gate_.reset();
  ASSERT_TRUE(send(peer, kVip, 500, ike()));
  EXPECT_FALSE(readable(gateway, kNoFrame));
  make_gate()->detach();
  ASSERT_TRUE(send(peer, kVip, 500, ike()));
  EXPECT_TRUE(readable(gateway, kFrame));
}

TEST_F(FenceLive, VipComesAndGoesAndErrorsAreNamed) {
  const auto held = [] {
    return std::system(("ip -4 addr show dev wan0 | grep -q 'inet " + kVip + "/32'").c_str()) == 0;
  };
  ASSERT_TRUE(announcer_->add(vip()));
  ASSERT_TRUE(announcer_->add(vip())) << "again";
  EXPECT_TRUE(held());
  ASSERT_TRUE(announcer_->withdraw(vip()));
  EXPECT_FALSE(held());
  ASSERT_TRUE(announcer_->withdraw(vip())) << "again";
  // with the LAN's prefix, neither the link's route nor the node's own address goes with it
  const Vip in_subnet{.interface = "wan0", .address = address(kVip), .prefix = 24};
  ASSERT_TRUE(announcer_->add(in_subnet));
  ASSERT_TRUE(announcer_->withdraw(in_subnet));
  shell("ip route get " + kPeer + " | grep -q 'dev wan0 src " + kNode + "'");

  EXPECT_EQ(announcer_->add({"no-such-if", address(kVip)}).error().code, Errc::NotFound);
  EXPECT_EQ(announcer_->add({"wan0", address(kVip), 33}).error().code, Errc::Invalid);
  EXPECT_EQ(announcer_->add({"wan0", address(kVip6), 129}).error().code, Errc::Invalid);
  EXPECT_EQ(announcer_->announce_once({"lo", address(kVip)}).error().code, Errc::Unsupported);
  shell("ip link set wan0 down");
  EXPECT_FALSE(announcer_->announce_once(vip()));
}

TEST_F(FenceLive, AnIpv6VipCanBeUsedAtOnceAndBringsNoRoute) {
  const auto held = [] {
    const std::string shown = "ip -6 addr show dev wan0 -tentative | grep -q 'inet6 " + kVip6 + "/64'";
    return std::system(shown.c_str()) == 0;
  };
  ASSERT_TRUE(announcer_->add(vip6()));
  ASSERT_TRUE(announcer_->add(vip6())) << "again";
  EXPECT_TRUE(held());
  shell("! ip -6 route show dev wan0 | grep -q '^2001:db8::/64'");
  ASSERT_TRUE(announcer_->withdraw(vip6()));
  EXPECT_FALSE(held());
  ASSERT_TRUE(announcer_->withdraw(vip6())) << "again";
}

TEST_F(FenceLive, ANeighbourAdvertisementIsSeenAndHeededOnceTheAddressIsOpen) {
  in_peer([] {
    shell("ip -6 addr add 2001:db8::2/64 dev peer0 nodad");
    shell("ip -6 neigh replace " + kVip6 + " dev peer0 lladdr 02:00:00:00:00:99 nud reachable");
  });
  const auto known = [&] {
    return in_peer([] {
      return std::system(("ip -6 neigh show " + kVip6 + " dev peer0 | grep -q 02:00:00:00:00:99").c_str()) !=
             0;
    });
  };
  ASSERT_TRUE(announcer_->add(vip6()));
  const std::uint64_t fenced = out()[Reason::AddressFenced];
  (void)announcer_->announce_once(vip6());
  EXPECT_FALSE(known());
  EXPECT_EQ(out()[Reason::AddressFenced], fenced + 1);
  gate_->set_address_deadline(now() + 60s);
  const auto status = announcer_->announce_once(vip6());
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_TRUE(known()) << "the peer keeps the old MAC";
}

TEST_F(FenceLive, LinksOfOtherTypesAreRefused) {
  shell("ip link add name t0 type ipip local 192.0.2.11 remote 192.0.2.2 || ip tuntap add t0 mode tun");
  const auto gate = BpfGate::create({.interfaces = {"t0"}, .vips = {address(kVip)}});
  ASSERT_FALSE(gate);
  EXPECT_EQ(gate.error().code, Errc::Unsupported) << gate.error().what;
}

}  // namespace
}  // namespace hasync::clusterip::test
