// A gateway (this thread's namespace) and a peer in two network namespaces of their own, joined by a veth
// pair, with the gate on the gateway's side of it. The namespaces have no name and go with the process. Needs
// root.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "base/adapters/fd.h"
#include "clusterip/adapters/bpf_gate.h"
#include "clusterip/adapters/netlink_announcer.h"
#include "tests/unit/clusterip/frames.h"

namespace hasync::clusterip::test {
using namespace std::chrono_literals;

inline const std::string kVip = "192.0.2.1";
inline const std::string kVip6 = "2001:db8::1";
inline const std::string kNode = "192.0.2.11";
inline const std::string kPeer = "192.0.2.2";
inline constexpr int kNoFrame = 100;  // ms to wait for what must not come
inline constexpr int kFrame = 5000;   // ms to wait for what must come

inline Deadline now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

inline void shell(const std::string& command) {
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

inline bool readable(const Fd& fd, int ms) {
  pollfd waiting{fd.get(), POLLIN, 0};
  return poll(&waiting, 1, ms) == 1;
}

// Names in the kernel's own table of this process: nothing is left behind in /run/netns.
inline Fd this_namespace() {
  return Fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}
inline void enter(const Fd& where) {
  ASSERT_EQ(setns(where.get(), CLONE_NEWNET), 0) << std::strerror(errno);
}

class FenceHosts : public testing::Test {
 protected:
  template <typename Action>
  auto in_peer(Action action) {
    enter(peer_ns_);
    struct Back {
      const Fd& where;
      ~Back() { enter(where); }
    } back{gateway_ns_};
    return action();
  }

  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "network namespaces and eBPF need root";
    ASSERT_EQ(unshare(CLONE_NEWNET), 0) << std::strerror(errno);
    peer_ns_ = this_namespace();
    shell("ip link set lo up");
    ASSERT_EQ(unshare(CLONE_NEWNET), 0) << std::strerror(errno);
    gateway_ns_ = this_namespace();
    const std::string peer = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(peer_ns_.get());
    shell("ip link set lo up && ip link add wan0 mtu 9000 type veth peer name peer0 mtu 9000 netns " + peer);
    shell("ip addr add " + kNode + "/24 dev wan0 && ip link set wan0 up");
    in_peer([] { shell("ip addr add " + kPeer + "/24 dev peer0 && ip link set peer0 up"); });
    gate_ = make_gate();
    auto announcer = NetlinkAnnouncer::create();
    ASSERT_TRUE(announcer) << announcer.error().what;
    announcer_ = *std::move(announcer);
  }

  static std::unique_ptr<BpfGate> make_gate() {
    auto gate = BpfGate::create({.interfaces = {"wan0"}, .vips = {address(kVip), address(kVip6)}});
    if (!gate) ADD_FAILURE() << gate.error().what;
    return gate ? *std::move(gate) : nullptr;
  }

  static Fd udp_socket(const std::string& local, std::uint16_t port) {
    Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const sockaddr_in at = ip_address(local, port);
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)), 0) << std::strerror(errno);
    return fd;
  }

  static sockaddr_in ip_address(const std::string& text, std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    inet_pton(AF_INET, text.c_str(), &at.sin_addr);
    return at;
  }

  static bool send(const Fd& fd, const std::string& to, std::uint16_t port, const Bytes& body) {
    const sockaddr_in at = ip_address(to, port);
    return sendto(fd.get(), body.data(), body.size(), 0, reinterpret_cast<const sockaddr*>(&at),
                  sizeof(at)) == static_cast<ssize_t>(body.size());
  }

  static Fd packet_socket(const char* interface, std::uint16_t type) {
    Fd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(type)));
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(type);
    at.sll_ifindex = static_cast<int>(if_nametoindex(interface));
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)), 0) << std::strerror(errno);
    return fd;
  }

  static Bytes receive(const Fd& fd) {
    Bytes frame(10000);
    const ssize_t length = recv(fd.get(), frame.data(), frame.size(), 0);
    frame.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
    return frame;
  }

  // Static neighbours: tests of IP alone do not wait for ARP.
  void know_neighbours() {
    // the address first: changing it makes the kernel forget its neighbours
    shell("ip link set wan0 address 02:00:00:00:00:01");
    shell("ip neigh replace " + kPeer + " dev wan0 lladdr 02:00:00:00:00:02 nud permanent");
    in_peer([] {
      shell("ip link set peer0 address 02:00:00:00:00:02");
      shell("ip neigh replace " + kVip + " dev peer0 lladdr 02:00:00:00:00:01 nud permanent");
    });
  }

  Vip vip() const { return {.interface = "wan0", .address = address(kVip), .prefix = 32}; }
  Vip vip6() const { return {.interface = "wan0", .address = address(kVip6), .prefix = 64}; }
  DirectionCounters out() const { return gate_->counters()->egress; }
  DirectionCounters in() const { return gate_->counters()->ingress; }

  Fd peer_ns_;
  Fd gateway_ns_;
  std::unique_ptr<BpfGate> gate_;
  std::unique_ptr<NetlinkAnnouncer> announcer_;
};

}  // namespace hasync::clusterip::test
