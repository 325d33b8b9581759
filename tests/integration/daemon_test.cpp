// Three real hasyncd in the role witness, on three real corosync: epochs form, a stopped process is evicted
// and comes back, a restarted one joins, wrong settings are refused. Seen through haipsec. No gateway: that
// needs a kernel with ESP.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "tests/support/corosync_ring.h"

namespace hasync {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

class DaemonTest : public testing::Test {
 protected:
  void SetUp() override {
    auto ring = test::CorosyncRing::start(3);
    if (!ring) GTEST_SKIP() << "SKIPPED: " << ring.error().what;
    ring_.emplace(std::move(*ring));
    std::string name = testing::TempDir() + "hasync-daemon-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    ASSERT_EQ(output_of(HAIPSEC_PROGRAM " keygen --json --out " + name + "/gateway.key --witness " + name +
                        "/key")["ok"],
              true);
    for (int node = 1; node <= 3; ++node) {
      fs::create_directory(folder_ / ("state" + std::to_string(node)));
      write_config(node, "");
    }
  }

  void TearDown() override {
    for (int node = 1; node <= 3; ++node) end(node, SIGKILL);
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  void write_config(int node, const std::string& more) const {
    const std::string n = std::to_string(node);
    std::ofstream out(folder_ / ("conf" + n));
    out << "[node]\nid = " << n << "\nrole = \"witness\"\n[cluster]\nname = \"test\"\nkey_file = \""
        << folder_.string() << "/key\"\nstate_dir = \"" << folder_.string() << "/state" << n << "\"\n"
        << more << "[control]\nsocket = \"" << folder_.string() << "/socket" << n << "\"\n";
    for (int member = 1; member <= 3; ++member) {
      out << "[[member]]\nid = " << member << "\nname = \"n" << member << "\"\naddress = \"10.77.0." << member
          << "\"\n";
    }
  }

  void start(int node) {
    const std::string conf = (folder_ / ("conf" + std::to_string(node))).string();
    const std::string log = (folder_ / "log").string();
    ring_->inside(node, [&] {
      const pid_t pid = ::fork();
      ASSERT_GE(pid, 0);
      if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(fd, STDERR_FILENO);
        ::execl(HASYNCD_PROGRAM, "hasyncd", "--config", conf.c_str(), nullptr);
        ::_exit(127);
      }
      pids_[static_cast<std::size_t>(node)] = pid;
    });
  }

  int end(int node, int signal) {
    pid_t& pid = pids_[static_cast<std::size_t>(node)];
    if (pid <= 0) return -1;
    if (signal != 0) ::kill(pid, signal);
    int status = 0;
    ::waitpid(std::exchange(pid, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  static json output_of(const std::string& command) {
    FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");  // NOLINT(cert-env33-c)
    std::string text;
    std::array<char, 4096> buffer{};
    for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
      text.append(buffer.data(), n);
    ::pclose(pipe);
    return json::parse(text, nullptr, false);
  }

  json status(int node) const {
    const json reply = output_of(HAIPSEC_PROGRAM " --json --socket " +
                                 (folder_ / ("socket" + std::to_string(node))).string() + " status");
    return reply.is_object() && reply.value("ok", false) ? reply["status"] : json::object();
  }
  // Members of the installed epoch, as `node` sees them.
  std::vector<int> members(int node) const {
    std::vector<int> out;
    for (const json& member : status(node).value("members", json::array())) {
      if (member.value("in_epoch", false)) out.push_back(member["id"]);
    }
    return out;
  }

  bool until(const std::function<bool()>& condition) const {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::sleep_for(50ms);  // the daemons tell nothing by themselves
    }
    return true;
  }
  bool until_members(const std::vector<int>& at, const std::vector<int>& expected) const {
    return until(
        [&] { return std::ranges::all_of(at, [&](int node) { return members(node) == expected; }); });
  }
  std::string log() const {
    std::ifstream in(folder_ / "log");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::optional<test::CorosyncRing> ring_;
  fs::path folder_;
  std::array<pid_t, 4> pids_{};
};

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

  ::chmod((folder_ / "key").c_str(), 0644);
  start(1);
  EXPECT_NE(end(1, 0), 0);
  EXPECT_THAT(log(), testing::HasSubstr("has mode 0644"));
}

}  // namespace
}  // namespace hasync
