// `haipsec check` on a real ring: two gateways, whose charons are stood in for, and a witness. All is well;
// then one thing after the other is really broken, and named.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <set>

#include "hasyncd/adapters/key_file.h"
#include "hasyncd/adapters/seal.h"
#include "hasyncd/wire/ring_codec.h"
#include "ring.pb.h"
#include "tests/integration/daemon_hosts.h"
#include "tests/support/fake_plugin.h"

namespace hasync {
namespace {

using testing::HasSubstr;

// That fit the ring's.
constexpr const char* kTimes = "[fence]\nevict_after_ms = 700\n";

struct Checked {
  std::string level;
  std::map<std::string, std::string> faults;  // by id
};

class CheckTest : public DaemonHosts {
 protected:
  void SetUp() override {
    DaemonHosts::SetUp();
    if (IsSkipped()) return;
    for (int node = 1; node <= 2; ++node) {
      charons_[node] = std::make_unique<test::FakePlugin>(folder_ / ("charon" + std::to_string(node)));
      ::chmod((folder_ / ("charon" + std::to_string(node))).c_str(), 0600);
      set_up(node, {{"branch", {"net"}}, {"caf\xe9", {}}, {"office", {"net", "voice"}}});  // not UTF-8
      write_config(node, kTimes, "gateway");
    }
    write_config(3, kTimes);
    for (int node = 1; node <= 3; ++node) start(node);
    run_on(1, "sysctl -qw net.ipv4.ip_forward=1");
    run_on(2, "sysctl -qw net.ipv4.ip_forward=1");
  }

  void set_up(int node, const std::map<std::string, std::vector<std::string>>& connections) {
    const auto first = static_cast<std::uint32_t>(0xc0 + node) << 24U;
    charons_.at(node)->set_up({HASYNC_VERSION, first, first + 0xffffff, connections});
  }

  Checked check(int node) const {
    const std::string n = std::to_string(node);
    const std::string printed =
        run_on(node, HAIPSEC_PROGRAM " check --json --socket " + (folder_ / ("socket" + n)).string() +
                         " --config " + (folder_ / ("conf" + n)).string());
    const nlohmann::json reply = nlohmann::json::parse(printed, nullptr, false);
    Checked out;
    if (!reply.is_object()) return out;
    out.level = reply["level"];
    for (const nlohmann::json& finding : reply["findings"]) {
      const std::string id = finding["id"];
      if (finding["level"] != "ok" && !ignored_.contains(id)) out.faults[id] = finding["what"];
    }
    return out;
  }

  // Awaited: who has just answered may do so once more with what it knew.
  void expect_fault(int node, const std::string& id, const std::string& what) const {
    Checked seen;
    const bool found = until([&] {
      seen = check(node);
      return seen.faults.size() == 1 && seen.faults.begin()->first == id &&
             seen.faults[id].find(what) != std::string::npos;
    });
    EXPECT_TRUE(found) << id << " " << what << ": " << testing::PrintToString(seen.faults) << log();
    EXPECT_EQ(seen.level, "error") << id;
  }
  void expect_well(int node) const {
    Checked seen;
    EXPECT_TRUE(until([&] {
      seen = check(node);
      return !seen.level.empty() && seen.faults.empty();
    })) << testing::PrintToString(seen.faults)
        << log();
  }

  std::map<int, std::unique_ptr<test::FakePlugin>> charons_;
  // This machine's load, and how full it is, are no part of the tests.
  std::set<std::string> ignored_{"ring-timing", "fence", "disk"};
};

TEST_F(CheckTest, NamesWhatIsBrokenAndNothingElse) {
  expect_well(1);
  expect_well(3);

  run_on(1,
         "ip link add eth9 type veth peer name eth8 && ip link set eth8 up && ip link set eth9 up && ip "
         "route add default dev eth9");
  expect_fault(1, "paths", "eth9 leads to peers at any address");
  run_on(1, "ip link del eth9");

  set_up(2, {{"branch", {"net"}}, {"caf\xe9", {}}, {"office", {"net"}}});
  expect_fault(1, "connections", "of what n1 has, n2 lacks child \"voice\" of \"office\"");
  set_up(2, {{"branch", {"net"}}, {"caf\xe9", {}}});
  expect_fault(1, "connections", "of what n1 has, n2 lacks connection \"office\"");
  expect_fault(3, "connections", "n2 lacks connection \"office\"");  // a witness sees it as well
  set_up(2, {{"branch", {"net"}}, {"caf\xe9", {}}, {"office", {"net", "voice"}}});

  ::chmod(key_file(1).c_str(), 0644);
  expect_fault(1, "key-file", "has mode 0644");
  ::chmod(key_file(1).c_str(), 0600);

  ::chmod((folder_ / "socket1").c_str(), 0666);
  expect_fault(1, "sockets", "has mode 0666, not 0600");
  ::chmod((folder_ / "socket1").c_str(), 0600);
  expect_well(1);

  // No hasyncd: what can be seen without it is seen all the same.
  end(1, SIGKILL);
  ::chmod(key_file(1).c_str(), 0640);
  const Checked alone = check(1);
  EXPECT_THAT(alone.faults.at("hasyncd"), HasSubstr("does not answer"));
  EXPECT_THAT(alone.faults.at("key-file"), HasSubstr("has mode 0640"));
  EXPECT_EQ(alone.faults.size(), 2U) << testing::PrintToString(alone.faults);
}

TEST_F(CheckTest, ANeighbouringClusterAndAMemberWithAnotherKeyAreToldApart) {
  expect_well(2);
  const auto send = [&] { run_on(3, "echo no heartbeat > /dev/udp/10.77.0.2/5420"); };
  run_on(3, "ip addr add 10.77.0.9/24 dev eth0 && ip route add 10.77.0.2/32 dev eth0 src 10.77.0.9");
  send();
  ASSERT_TRUE(until([&] { return check(2).faults.contains("strangers"); })) << log();
  EXPECT_EQ(check(2).level, "warning");
  EXPECT_THAT(check(2).faults["strangers"], HasSubstr("10.77.0.9 is no member"));
  run_on(3, "ip route del 10.77.0.2/32");
  send();
  expect_fault(2, "strangers", "what n3 sends does not open");
}

TEST_F(CheckTest, AMemberOfANewerSchemaIsNamedAndTheClusterGoesOn) {
  expect_well(1);
  // As a later hasyncd on the third node would say it.
  proto::ring::Heartbeat later;
  const Bytes known = hasyncd::encode(hasyncd::Heartbeat{.from = {NodeId{3}, Incarnation{1}}, .number = 1});
  ASSERT_TRUE(later.ParseFromArray(known.data(), static_cast<int>(known.size())));
  later.set_major(2);
  const std::string text = later.SerializeAsString();
  const auto keys = hasyncd::load_keys(key_file(3));
  ASSERT_TRUE(keys) << keys.error().what;
  const Bytes sealed =
      hasyncd::Sealer(*keys, &hasyncd::Key::auth)
          .seal(view_of(text), hasyncd::additional_data(hasyncd::Purpose::Heartbeat, kNobody));
  const std::string file = (folder_ / "datagram").string();
  std::ofstream(file).write(reinterpret_cast<const char*>(sealed.data()),
                            static_cast<std::streamsize>(sealed.size()));
  run_on(3, "cat " + file + " > /dev/udp/10.77.0.1/5420");

  expect_fault(1, "protocol", "n3 speaks a newer version");
  EXPECT_THAT(log(), HasSubstr("event=heartbeat-malformed error=\"field major: 2 is newer than 1\""));
  EXPECT_EQ(members(1), (std::vector<int>{1, 2, 3}));
}

TEST_F(CheckTest, AFullDiskForLogsAndAnUnreadableCertificateAreNamedOnTheStandby) {
  expect_well(2);
  run_on(
      2,
      "mount -t tmpfs tmpfs /etc/swanctl && mkdir /etc/swanctl/x509 && ln -s /gone /etc/swanctl/x509/gw.pem");
  expect_fault(2, "certificates", "/etc/swanctl/x509/gw.pem: cannot be read: No such file or directory");
  run_on(2, "umount /etc/swanctl");

  run_on(2, "mount -t tmpfs -o size=64k tmpfs /var/log; head -c 1M /dev/zero > /var/log/syslog");
  ignored_.erase("disk");
  EXPECT_THAT(check(2).faults["disk"], HasSubstr("/var/log is full"));
}

}  // namespace
}  // namespace hasync
