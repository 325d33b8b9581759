// Real hasyncd on real corosync, three or `nodes_` of them, each in namespaces of its own; seen through
// haipsec.
#pragma once

#include <cap-ng.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <thread>

#include "tests/support/corosync_ring.h"

namespace hasync {

class DaemonHosts : public testing::Test {
 protected:
  void SetUp() override {
    auto ring = ipv6_ ? test::CorosyncRing::start_ipv6(nodes_) : test::CorosyncRing::start(nodes_);
    if (!ring) GTEST_SKIP() << "SKIPPED: " << ring.error().what;
    ring_.emplace(std::move(*ring));
    std::string name = testing::TempDir() + "hasync-daemon-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    ASSERT_EQ(output_of(HAIPSEC_PROGRAM " keygen --json --out " + name + "/gateway.key --witness " + name +
                        "/witness.key")["ok"],
              true);
    for (int node = 1; node <= nodes_; ++node) {
      std::filesystem::create_directory(folder_ / ("state" + std::to_string(node)));
      write_config(node, "");
    }
  }

  void TearDown() override {
    for (int node = 1; node <= nodes_; ++node) end(node, SIGKILL);
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  // `role`: "witness", or "gateway", whose shared address is on eth0 and whose charon is at folder_/charonN.
  void write_config(int node, const std::string& more, const std::string& role = "witness") const {
    const std::string n = std::to_string(node);
    std::filesystem::copy_file(folder_ / (role + ".key"), key_file(node),
                               std::filesystem::copy_options::overwrite_existing);
    std::ofstream out(folder_ / ("conf" + n));
    out << "[node]\nid = " << n << "\nrole = \"" << role << "\"\n[cluster]\nname = \"test\"\nkey_file = \""
        << key_file(node) << "\"\nstate_dir = \"" << folder_.string() << "/state" << n << "\"\n"
        << more << "[control]\nsocket = \"" << folder_.string() << "/socket" << n << "\"\n";
    if (role == "gateway") {
      out << "[charon]\nsocket = \"" << folder_.string() << "/charon" << n << "\"\n[[vip]]\naddress = \""
          << address(100) << (ipv6_ ? "/64" : "/24") << "\"\ninterface = \"eth0\"\n";
    }
    for (int member = 1; member <= nodes_; ++member) {
      out << "[[member]]\nid = " << member << "\nname = \"n" << member << "\"\naddress = \""
          << address(member) << "\"\n";
    }
  }

  // Of a node, or another one of its network; 100 is shared.
  std::string address(int host) const {
    return (ipv6_ ? test::CorosyncRing::kIpv6 : test::CorosyncRing::kIpv4) + std::to_string(host);
  }

  std::string key_file(int node) const { return (folder_ / ("key" + std::to_string(node))).string(); }

  // A field of /proc/PID/status.
  std::string process(int node, const std::string& field) const {
    std::ifstream in("/proc/" + std::to_string(pids_[static_cast<std::size_t>(node)]) + "/status");
    for (std::string name, value; in >> name && std::getline(in, value);) {
      if (name == field + ":") return value.substr(value.find_first_not_of(" \t"));
    }
    return "";
  }

  void start(int node, const std::map<std::string, std::string>& environment = {}) {
    const std::string conf = (folder_ / ("conf" + std::to_string(node))).string();
    const std::string log = (folder_ / "log").string();
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {  // alone here: threads could not change their namespace
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const rlimit any{RLIM_INFINITY, RLIM_INFINITY};
      ::setrlimit(RLIMIT_CORE, &any);
      for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
      ring_->inside(node, [&] {
        const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(fd, STDERR_FILENO);
        confine_as_the_unit();
        ::execl(program_, "hasyncd", "--config", conf.c_str(), nullptr);
        ::_exit(127);
      });
    }
    pids_[static_cast<std::size_t>(node)] = pid;
  }

  // Leaves this process the capabilities that hasyncd.service names, as the service manager would.
  static void confine_as_the_unit() {
    const std::string key = "CapabilityBoundingSet=";
    std::ifstream unit(HASYNCD_UNIT);
    for (std::string line; std::getline(unit, line);) {
      if (line.rfind(key, 0) != 0) continue;
      std::istringstream names(line.substr(key.size()));
      capng_clear(CAPNG_SELECT_BOTH);
      for (std::string name; names >> name;) {
        const int capability = capng_name_to_capability(name.substr(4).c_str());
        if (capability < 0) ::_exit(126);
        for (const capng_type_t set : {CAPNG_EFFECTIVE, CAPNG_PERMITTED, CAPNG_BOUNDING_SET}) {
          capng_update(CAPNG_ADD, set, static_cast<unsigned>(capability));
        }
      }
      if (capng_apply(CAPNG_SELECT_BOTH) != 0) ::_exit(126);
    }
  }

  int end(int node, int signal) {
    pid_t& pid = pids_[static_cast<std::size_t>(node)];
    if (pid <= 0) return -1;
    if (signal != 0) ::kill(pid, signal);
    int status = 0;
    ::waitpid(std::exchange(pid, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  static nlohmann::json output_of(const std::string& command) {
    FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");  // NOLINT(cert-env33-c)
    std::string text;
    std::array<char, 4096> buffer{};
    for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
      text.append(buffer.data(), n);
    ::pclose(pipe);
    return nlohmann::json::parse(text, nullptr, false);
  }

  // Runs a shell command on that host, whatever threads this process has; what it printed.
  std::string run_on(int node, const std::string& command) const {
    const std::string output = (folder_ / "output").string();
    const pid_t pid = ::fork();
    if (pid == 0) {
      ring_->inside(node, [&] {
        const int fd = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::dup2(fd, STDOUT_FILENO);
        ::execl("/bin/bash", "bash", "-c", command.c_str(), nullptr);
      });
      ::_exit(127);
    }
    ::waitpid(pid, nullptr, 0);
    std::ifstream in(output);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  nlohmann::json ask(int node, const std::string& command) const {
    return output_of(HAIPSEC_PROGRAM " --json --socket " +
                     (folder_ / ("socket" + std::to_string(node))).string() + " " + command);
  }
  nlohmann::json status(int node) const {
    const nlohmann::json reply = ask(node, "status");
    return reply.is_object() && reply.value("ok", false) ? reply["status"] : nlohmann::json::object();
  }
  // Members of the installed epoch, as `node` sees them.
  std::vector<int> members(int node) const {
    std::vector<int> out;
    for (const nlohmann::json& member : status(node).value("members", nlohmann::json::array())) {
      if (member.value("in_epoch", false)) out.push_back(member["id"]);
    }
    return out;
  }

  bool until(const std::function<bool()>& condition) const {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{50});  // the daemons tell nothing by themselves
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

  int nodes_ = 3;
  const char* program_ = HASYNCD_PROGRAM;  // of what is started next
  bool ipv6_ = false;                      // the ring's addresses and the shared one
  std::optional<test::CorosyncRing> ring_;
  std::filesystem::path folder_;
  std::array<pid_t, 4> pids_{};
};

// What depends on addresses is played over either family.
template <typename Hosts>
class OverEither : public Hosts, public testing::WithParamInterface<bool> {
 protected:
  OverEither() { this->ipv6_ = GetParam(); }
};

inline std::string family(const testing::TestParamInfo<bool>& ipv6) {
  return ipv6.param ? "Ipv6" : "Ipv4";
}

}  // namespace hasync
