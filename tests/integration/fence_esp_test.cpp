// The gate under the kernel's own ESP: a tunnel from the VIP to the peer, made by hand. Which numbers leave,
// that the gate's count is the kernel's count, and that nothing but the gate's limits costs packets. Needs a
// kernel with ESP (testbed/boot).
#include <array>
#include <cstdio>

#include "tests/integration/fence_hosts.h"

namespace hasync::clusterip::test {
namespace {

const std::string kInnerHere = "10.1.0.1";
const std::string kInnerThere = "10.2.0.1";
constexpr std::uint16_t kPort = 7000;

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 256> part{};
  while (pipe != nullptr && std::fgets(part.data(), part.size(), pipe) != nullptr) text += part.data();
  if (pipe != nullptr) pclose(pipe);
  return text;
}

class FenceEsp : public FenceHosts {
 protected:
  void SetUp() override {
    FenceHosts::SetUp();
    if (!gate_) return;
    know_neighbours();
    ASSERT_TRUE(announcer_->add(vip()));
    shell("ip link set wan0 mtu 1500 && ip addr add " + kInnerHere + "/32 dev lo");
    shell("ip route add " + kInnerThere + " dev wan0 src " + kInnerHere);
    add_tunnel("out", "in");
    in_peer([] {
      shell("ip link set peer0 mtu 1500 && ip addr add " + kInnerThere + "/32 dev lo");
      shell("ip route add " + kInnerHere + " dev peer0 src " + kInnerThere);
      add_tunnel("in", "out");
    });
    gate_->set_all_deadlines(now() + 60s);
  }

  // Two SAs, VIP to peer and back; both ends hold both.
  static void add_tunnel(const std::string& to_peer, const std::string& to_vip) {
    add_sa(kVip, kPeer, kInnerHere, kInnerThere, to_peer);
    add_sa(kPeer, kVip, kInnerThere, kInnerHere, to_vip);
  }
  static void add_sa(const std::string& from, const std::string& to, const std::string& inner_from,
                     const std::string& inner_to, const std::string& direction) {
    shell("ip xfrm state add src " + from + " dst " + to +
          " proto esp spi 0xabcd mode tunnel replay-window 32 aead 'rfc4106(gcm(aes))'"
          " 0x000102030405060708090a0b0c0d0e0f10111213 128");
    shell("ip xfrm policy add src " + inner_from + " dst " + inner_to + " dir " + direction + " tmpl src " +
          from + " dst " + to + " proto esp mode tunnel");
  }

  void limit(std::uint64_t floor, std::uint64_t ceiling) {
    const SaLimits limits{key_, floor, ceiling};
    ASSERT_TRUE(gate_->set_sas({&limits, 1}));
  }

  static std::uint64_t kernel_number() {
    return std::stoull(output_of("ip -s xfrm state get src " + kVip + " dst " + kPeer +
                                 " proto esp spi 0xabcd | sed -n 's/.*oseq \\(0x[0-9a-f]*\\).*/\\1/p'"),
                       nullptr, 16);
  }

  const OutboundKey key_{address(kPeer), EspSpi{0xabcd}};
};

TEST_F(FenceEsp, OnlyNumbersWithinTheLimitsReachThePeer) {
  const Fd here = udp_socket(kInnerHere, kPort);
  const Fd there = in_peer([] { return udp_socket(kInnerThere, kPort); });
  const auto arrives = [&] {
    EXPECT_TRUE(send(here, kInnerThere, kPort, Bytes(100, 1)) || errno == ENOBUFS);
    const bool seen = readable(there, kNoFrame);
    if (seen) receive(there);
    return seen;
  };
  EXPECT_FALSE(arrives()) << "an SA that the gate does not know (number 1)";
  limit(3, 6);
  EXPECT_FALSE(arrives()) << "2 is below the floor";
  for (const int number : {3, 4, 5}) EXPECT_TRUE(arrives()) << number;
  EXPECT_FALSE(arrives()) << "6 is at the ceiling";
  limit(3, 100);
  EXPECT_TRUE(arrives()) << "7";
  EXPECT_EQ(gate_->top(key_), 8U);
  EXPECT_EQ(kernel_number(), 7U);
  gate_->close_all();
  EXPECT_FALSE(arrives());
  EXPECT_EQ(out()[Reason::NoFence], 1U);
}

TEST_F(FenceEsp, AnSaThatIsAddedAnewRepeatsNoNumber) {
  const Fd here = udp_socket(kInnerHere, kPort);
  const Fd there = in_peer([] { return udp_socket(kInnerThere, kPort); });
  const auto arrives = [&](int ms) {
    EXPECT_TRUE(send(here, kInnerThere, kPort, Bytes(100, 1)) || errno == ENOBUFS);
    const bool seen = readable(there, ms);
    if (seen) receive(there);
    return seen;
  };
  limit(1, 100);
  for (int number = 1; number <= 3; ++number) EXPECT_TRUE(arrives(kFrame)) << number;
  shell("ip xfrm state delete src " + kVip + " dst " + kPeer + " proto esp spi 0xabcd");
  shell("ip xfrm policy delete src " + kInnerHere + " dst " + kInnerThere + " dir out");
  add_sa(kVip, kPeer, kInnerHere, kInnerThere, "out");
  for (int number = 1; number <= 3; ++number) EXPECT_FALSE(arrives(kNoFrame)) << number;
  EXPECT_EQ(out()[Reason::Repeated], 3U);
  EXPECT_TRUE(arrives(kFrame)) << 4;
  EXPECT_EQ(gate_->top(key_), 5U);
}

TEST_F(FenceEsp, PacketsThatMustBeSplitBehindEncryptionArriveWhole) {
  const Fd here = udp_socket(kInnerHere, kPort);
  const Fd there = in_peer([] { return udp_socket(kInnerThere, kPort); });
  limit(1, 1000);
  const int never = IP_PMTUDISC_DONT;
  ASSERT_EQ(setsockopt(here.get(), IPPROTO_IP, IP_MTU_DISCOVER, &never, sizeof(never)), 0);
  for (const std::size_t length : {1400U, 1460U, 1472U, 4000U}) {
    ASSERT_TRUE(send(here, kInnerThere, kPort, Bytes(length, 1)));
    ASSERT_TRUE(readable(there, kFrame)) << length;
    EXPECT_EQ(receive(there).size(), length);
  }
  EXPECT_EQ(out()[Reason::Fragment], 0U);
  EXPECT_EQ(gate_->top(key_), kernel_number() + 1);
}

// A stream of 400 kB; the numbers used on the way, by the gate's count, and the buffers in which they left.
class FenceEspStream : public FenceEsp {
 protected:
  struct Used {
    std::uint64_t numbers;
    std::uint64_t buffers;
  };
  Used stream() {
    limit(1, 100000);
    const Fd listener = in_peer([] { return Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); });
    const sockaddr_in at = ip_address(kInnerThere, kPort);
    const auto* target = reinterpret_cast<const sockaddr*>(&at);
    EXPECT_EQ(bind(listener.get(), target, sizeof(at)), 0);
    EXPECT_EQ(listen(listener.get(), 1), 0);
    const Fd sender(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(sender.get(), target, sizeof(at)), 0) << std::strerror(errno);
    const Fd receiver(accept(listener.get(), nullptr, nullptr));
    const Bytes part(40000, 7);
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(write(sender.get(), part.data(), part.size()), static_cast<ssize_t>(part.size()));
      for (std::size_t left = part.size(); left > 0;) {
        EXPECT_TRUE(readable(receiver, kFrame));
        const std::size_t got = receive(receiver).size();
        if (got == 0) return {};
        left -= got;
      }
    }
    EXPECT_EQ(gate_->top(key_), kernel_number() + 1);
    return {gate_->top(key_).value_or(1) - 1, out()[Reason::Passed]};
  }
};

TEST_F(FenceEspStream, CountsAsTheKernelDoes) {
  const Used used = stream();
  EXPECT_GE(used.numbers, 400000U / 1500);
  EXPECT_EQ(used.buffers, used.numbers);
}

// With this module a whole buffer meets the gate, and becomes many numbers behind it.
class FenceEspOffload : public FenceEspStream {
 protected:
  void SetUp() override {
    shell("modprobe esp4_offload");
    FenceEspStream::SetUp();
  }
};

TEST_F(FenceEspOffload, CountsAsTheKernelDoes) {
  const Used used = stream();
  EXPECT_GE(used.numbers, 400000U / 1500);
  EXPECT_LT(used.buffers, used.numbers / 2);
}

}  // namespace
}  // namespace hasync::clusterip::test
