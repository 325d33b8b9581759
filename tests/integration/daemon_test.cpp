// Three real hasyncd in the role witness: epochs form, a stopped process is evicted and comes back, a
// restarted one joins, wrong settings are refused. One of them a gateway: without its programs it gives up
// its address at once. And two gateways alone.
#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <thread>

#include "tests/integration/daemon_hosts.h"

namespace hasync {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class DaemonTest : public DaemonHosts {};

using V = std::vector<int>;

TEST_F(DaemonTest, EpochsFollowTheProcesses) {
  for (int node = 1; node <= 3; ++node) start(node);
  ASSERT_TRUE(until_members({1, 2, 3}, V{1, 2, 3})) << log();
  const std::uint64_t first = status(1)["epoch"];
  EXPECT_TRUE(status(2)["quorate"]);
  EXPECT_TRUE(status(2)["ring_connected"]);

  // Alive for corosync, silent as hasyncd.
  ::kill(pids_[3], SIGSTOP);
  ASSERT_TRUE(until_members({1, 2}, V{1, 2})) << log();
  EXPECT_GT(status(1)["epoch"], first);
  ::kill(pids_[3], SIGCONT);
  ASSERT_TRUE(until_members({1, 2, 3}, V{1, 2, 3})) << log();

  end(2, SIGKILL);
  ASSERT_TRUE(until_members({1, 3}, V{1, 3})) << log();
  const std::uint64_t later = status(1)["epoch"];
  start(2);
  ASSERT_TRUE(until_members({1, 2, 3}, V{1, 2, 3})) << log();
  EXPECT_GT(status(2)["epoch"], later);

  EXPECT_EQ(end(3, SIGTERM), 0);
  ASSERT_TRUE(until_members({1, 2}, V{1, 2})) << log();
}

class DaemonOver : public OverEither<DaemonTest> {};
INSTANTIATE_TEST_SUITE_P(Each, DaemonOver, testing::Bool(), family);

TEST_P(DaemonOver, AMemberThatIsSilentIsEvictedAndComesBack) {
  for (int node = 1; node <= 3; ++node) start(node);
  ASSERT_TRUE(until_members({1, 2, 3}, V{1, 2, 3})) << log();
  ::kill(pids_[3], SIGSTOP);
  EXPECT_TRUE(until_members({1, 2}, V{1, 2})) << log();
  ::kill(pids_[3], SIGCONT);
  EXPECT_TRUE(until_members({1, 2, 3}, V{1, 2, 3})) << log();
}

TEST_F(DaemonTest, ADeadCorosyncIsFollowedByAReturn) {
  for (int node = 1; node <= 3; ++node) start(node);
  ASSERT_TRUE(until_members({1, 2, 3}, V{1, 2, 3})) << log();
  ring_->kill(1);
  ASSERT_TRUE(until_members({2, 3}, V{2, 3})) << log();
  EXPECT_FALSE(status(1)["ring_connected"]);
  ASSERT_TRUE(ring_->restart(1));
  EXPECT_TRUE(until_members({1, 2, 3}, V{1, 2, 3})) << log();
}

TEST_F(DaemonTest, TheServiceManagerIsToldThatItLives) {
  const std::string path = (folder_ / "notify").string();
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const timeval limit{10, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const auto told = [&] {
    std::array<char, 256> text{};
    const ssize_t length = ::recv(socket, text.data(), text.size(), 0);
    return std::string(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  };
  const auto begun = std::chrono::steady_clock::now();
  start(1, {{"NOTIFY_SOCKET", path}, {"WATCHDOG_USEC", "400000"}});
  EXPECT_EQ(told(), "READY=1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(told(), "WATCHDOG=1");
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 2 * 200ms);  // at half of what is allowed, no faster
  ::kill(pids_[1], SIGTERM);
  std::string last;
  while (last != "STOPPING=1" && !(last = told()).empty()) {
  }
  EXPECT_EQ(last, "STOPPING=1");
  ::close(socket);
}

// As `tc filter del` of one direction, or `tc qdisc del` of both.
void detach(bpf_tc_attach_point point) {
  DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(::if_nametoindex("eth0")),
                      .attach_point = point);
  EXPECT_EQ(bpf_tc_hook_destroy(&hook), 0);
}

// From before the programs are detached until the kernel tells that an address is gone: never shorter than it
// really took. Who detaches them waits longer, until no processor runs them any more.
std::chrono::microseconds until_an_address_goes(bpf_tc_attach_point point, unsigned group) {
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = group;
  const timeval limit{5, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  EXPECT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  sched_param
      soon{};  // a busy machine must not delay the damage, nor the end of the clock; hasyncd goes before
  soon.sched_priority = 1;
  EXPECT_EQ(::sched_setscheduler(0, SCHED_FIFO, &soon), 0);
  const auto start = std::chrono::steady_clock::now();
  std::jthread damage(detach, point);
  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  ssize_t length = 0;
  do {
    length = ::recv(socket, buffer.data(), buffer.size(), 0);
  } while (length > 0 && reinterpret_cast<const nlmsghdr*>(buffer.data())->nlmsg_type != RTM_DELADDR);
  const auto took = std::chrono::steady_clock::now() - start;
  soon.sched_priority = 0;
  ::sched_setscheduler(0, SCHED_OTHER, &soon);
  EXPECT_GT(length, 0) << "no address went";
  ::close(socket);
  return std::chrono::duration_cast<std::chrono::microseconds>(took);
}

TEST_P(DaemonOver, WithoutItsProgramsAGatewayIsWithoutItsAddressWithin50ms) {
  write_config(1, "", "gateway");
  for (int node = 2; node <= 3; ++node) start(node);
  for (const auto point :
       {BPF_TC_EGRESS, BPF_TC_INGRESS, static_cast<bpf_tc_attach_point>(BPF_TC_EGRESS | BPF_TC_INGRESS)}) {
    start(1);
    ASSERT_TRUE(until([&] {
      return status(1).value("fence", nlohmann::json::object()).value("open", false);
    })) << log();
    ring_->inside(1, [&] {
      const auto took = until_an_address_goes(point, ipv6_ ? RTMGRP_IPV6_IFADDR : RTMGRP_IPV4_IFADDR);
      std::printf("hook %d: %.1f ms\n", point, static_cast<double>(took.count()) / 1000.0);
      EXPECT_LT(took, 50ms);
      EXPECT_NE(std::system(("ip addr show dev eth0 | grep -q " + address(100)).c_str()), 0);
    });
    EXPECT_EQ(end(1, 0), 1) << "ended with an error";
  }
  EXPECT_THAT(log(), testing::HasSubstr("gate-detached"));
}

// Two gateways without a witness (docs/decisions/0008-two-nodes.md).
class TwoGateways : public DaemonHosts {
 protected:
  void SetUp() override {
    nodes_ = 2;
    DaemonHosts::SetUp();
    for (int node = 1; ring_ && node <= nodes_; ++node) {
      write_config(node, "", "gateway");
      start(node);
    }
  }
  bool owns(int node) const {
    const nlohmann::json said = status(node);
    return said.value("state", "") == "owner" && said["fence"].value("open", false);
  }
  void power_off(int node) {
    end(node, SIGKILL);
    ring_->kill(node);
  }
  void power_on(int node) {
    ASSERT_TRUE(ring_->restart(node));
    start(node);
  }
  nlohmann::json take_over(int node) const { return ask(node, "takeover --other-is-off"); }
};

TEST_F(TwoGateways, TheOwnerNeedsNobody) {
  ASSERT_TRUE(until([&] { return owns(1); })) << log();
  ASSERT_TRUE(until_members({1, 2}, V{1, 2})) << log();
  power_off(2);
  ASSERT_TRUE(until_members({1}, V{1})) << log();
  EXPECT_TRUE(owns(1));
  EXPECT_EQ(status(1)["counters"].value("lapses", 1), 0);
  power_on(2);
  ASSERT_TRUE(until_members({1, 2}, V{1, 2})) << log();
  EXPECT_TRUE(owns(1));
  EXPECT_THAT(log(), testing::Not(testing::HasSubstr("owner ->")));
}

class TwoGatewaysOver : public OverEither<TwoGateways> {};
INSTANTIATE_TEST_SUITE_P(Each, TwoGatewaysOver, testing::Bool(), family);

TEST_P(TwoGatewaysOver, TheOtherOwnsWhenTheOperatorSaysThatTheOwnerIsOff) {
  ASSERT_TRUE(until([&] { return owns(1); })) << log();
  ASSERT_TRUE(until_members({1, 2}, V{1, 2})) << log();
  EXPECT_THAT(take_over(2).dump(), testing::HasSubstr("is in the ring"));
  EXPECT_THAT(ask(2, "takeover").dump(), testing::Not(testing::HasSubstr("true")));
  power_off(1);
  ASSERT_TRUE(until([&] { return status(2)["members"][0].value("in_ring", true) == false; })) << log();
  EXPECT_EQ(status(2).value("state", ""), "standby") << "it sees that it is alone, and goes on waiting";
  EXPECT_TRUE(take_over(2).value("ok", false));
  EXPECT_THAT(log(), testing::HasSubstr("taken-alone"));
  ASSERT_TRUE(until([&] { return owns(2); })) << log();
  power_on(1);
  ASSERT_TRUE(until_members({1, 2}, V{1, 2})) << log();
  EXPECT_TRUE(owns(2));
}

TEST_F(DaemonTest, AReloadSwapsTheWholeConfigurationOrChangesNothing) {
  start(1);
  ASSERT_TRUE(until([&] { return status(1).contains("node"); })) << log();
  EXPECT_EQ(ask(1, "reload")["text"], "nothing has changed");

  write_config(1, "[log]\nlevel = \"error\"\n[fence]\nfence_ms = 90\n");
  const nlohmann::json refused = ask(1, "reload");
  EXPECT_EQ(refused["error"]["code"], "conflict");
  EXPECT_EQ(refused["error"]["text"], "nothing was changed: hasyncd must be restarted for fence.fence_ms");
  EXPECT_THAT(log(), testing::HasSubstr("event=reload-refused"));  // a warning, so the level is as it was

  write_config(1, "colour = 7\n");
  EXPECT_THAT(std::string(ask(1, "reload")["error"]["text"]),
              testing::HasSubstr("cluster.colour: unknown key"));
  EXPECT_EQ(status(1)["fence"]["length_us"], 80000);

  write_config(1, "[log]\nlevel = \"error\"\n");
  EXPECT_EQ(ask(1, "reload")["text"], "changed: log.level");
  write_config(1, "");
  ASSERT_EQ(log().find("event=reloaded text=\"changed: log.level\""), std::string::npos);
  ::kill(pids_[1], SIGHUP);
  EXPECT_TRUE(until([&] {
    return log().find("event=reloaded text=\"changed: log.level\"") != std::string::npos;
  })) << log();
}

TEST_F(DaemonTest, AFullDiskForTheLogStopsNothing) {
  fs::create_symlink("/dev/full", folder_ / "log");
  for (int node = 1; node <= 3; ++node) start(node);
  EXPECT_TRUE(until_members({1, 2, 3}, V{1, 2, 3}));
  end(3, SIGKILL);
  EXPECT_TRUE(until_members({1, 2}, V{1, 2}));
  fs::remove(folder_ / "log");
}

TEST_F(DaemonTest, AFullDiskForItsPromisesEndsItAndTheOthersGoOn) {
  const std::string state = (folder_ / "state2").string();
  run_on(2, "mount -t tmpfs -o size=64k tmpfs " + state);
  for (int node = 1; node <= 3; ++node) start(node);
  ASSERT_TRUE(until_members({1, 2, 3}, V{1, 2, 3})) << log();
  run_on(2, "head -c 1M /dev/zero > " + state + "/full");
  end(3, SIGKILL);  // the others have to agree anew, and to remember it
  EXPECT_EQ(end(2, 0), 1);
  EXPECT_THAT(log(), testing::HasSubstr("event=state-unsaved"));
  start(3);
  EXPECT_TRUE(until_members({1, 3}, V{1, 3})) << log();
}

TEST_P(DaemonOver, AWrongIdentityOrKeyOrConfigurationEndsItWithAReason) {
  fs::copy_file(folder_ / "conf1", folder_ / "conf2",
                fs::copy_options::overwrite_existing);  // its address is not there
  start(2);
  EXPECT_NE(end(2, 0), 0);
  EXPECT_THAT(log(), testing::HasSubstr("heartbeat bind " + address(1)));

  write_config(3, "colour = 7\n");
  start(3);
  EXPECT_NE(end(3, 0), 0);
  EXPECT_THAT(log(), testing::HasSubstr("cluster.colour: unknown key"));

  write_config(3, "[output_commit]\nwait_ms = 300\n");
  start(3);
  EXPECT_EQ(end(3, 0), 1);
  EXPECT_THAT(log(), testing::AllOf(testing::HasSubstr("output_commit.wait_ms: 300 ms must be at least"),
                                    testing::HasSubstr("event=ring-refused")));

  ::chmod(key_file(1).c_str(), 0644);
  start(1);
  EXPECT_NE(end(1, 0), 0);
  EXPECT_THAT(log(), testing::HasSubstr("has mode 0644"));
}

}  // namespace
}  // namespace hasync
