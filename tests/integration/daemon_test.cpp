// Three real hasyncd in the role witness: epochs form, a stopped process is evicted and comes back, a
// restarted one joins, wrong settings are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

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

TEST_F(DaemonTest, AWrongIdentityOrKeyOrConfigurationEndsItWithAReason) {
  fs::copy_file(folder_ / "conf1", folder_ / "conf2",
                fs::copy_options::overwrite_existing);  // 10.77.0.1 is not there
  start(2);
  EXPECT_NE(end(2, 0), 0);
  EXPECT_THAT(log(), testing::HasSubstr("heartbeat bind 10.77.0.1"));

  write_config(3, "colour = 7\n");
  start(3);
  EXPECT_NE(end(3, 0), 0);
  EXPECT_THAT(log(), testing::HasSubstr("cluster.colour: unknown key"));

  ::chmod(key_file(1).c_str(), 0644);
  start(1);
  EXPECT_NE(end(1, 0), 0);
  EXPECT_THAT(log(), testing::HasSubstr("has mode 0644"));
}

}  // namespace
}  // namespace hasync
