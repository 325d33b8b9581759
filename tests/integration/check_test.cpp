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
#include "tests/support/context_samples.h"
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
      set_up(node, kConnections);
      write_config(node, kTimes, "gateway");
    }
    write_config(3, kTimes);
    for (int node = 1; node <= 3; ++node) start(node);
    for (const int node : {1, 2}) {
      for (const bool ipv6 : {false, true}) forward(node, ipv6, true);
    }
  }

  void forward(int node, bool ipv6, bool on) const {
    run_on(node, std::string("sysctl -qw net.") + (ipv6 ? "ipv6.conf.all.forwarding=" : "ipv4.ip_forward=") +
                     (on ? "1" : "0"));
  }

  using Connections = std::map<std::string, std::vector<std::string>>;
  inline static const Connections kConnections{
      {"branch", {"net"}}, {"caf\xe9", {}}, {"office", {"net", "voice"}}};  // not UTF-8

  void set_up(int node, const Connections& connections, const std::string& version = HASYNC_VERSION) {
    set_up(node, connections, version, static_cast<std::uint32_t>(0xc0 + node) << 24U);
  }
  void set_up(int node, const Connections& connections, const std::string& version, std::uint32_t first) {
    charons_.at(node)->set_up({version, first, first + 0xffffff, connections});
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
  void expect_fault(int node, const std::string& id, const std::string& what,
                    const std::string& level = "error") const {
    Checked seen;
    const bool found = until([&] {
      seen = check(node);
      return seen.faults.size() == 1 && seen.faults.begin()->first == id &&
             seen.faults[id].find(what) != std::string::npos;
    });
    EXPECT_TRUE(found) << id << " " << what << ": " << testing::PrintToString(seen.faults) << log();
    EXPECT_EQ(seen.level, level) << id;
  }
  // Among others that follow from one cause.
  void expect_among(int node, const std::string& id, const std::string& what) const {
    Checked seen;
    EXPECT_TRUE(until([&] {
      seen = check(node);
      return seen.faults[id].find(what) != std::string::npos;
    })) << id
        << " " << what << ": " << testing::PrintToString(seen.faults) << log();
  }
  void expect_logged(const std::string& line) const {
    EXPECT_TRUE(until([&] { return log().find(line) != std::string::npos; })) << line << log();
  }
  // From the third node, as its hasyncd would.
  void send_to(int node, const Bytes& sealed) const {
    const std::string file = (folder_ / "datagram").string();
    std::ofstream(file).write(reinterpret_cast<const char*>(sealed.data()),
                              static_cast<std::streamsize>(sealed.size()));
    run_on(3, "cat " + file + " > /dev/udp/" + address(node) + "/5420");
  }
  static Bytes sealed_with(const std::string& key_file, BytesView heartbeat) {
    const auto keys = hasyncd::load_keys(key_file);
    EXPECT_TRUE(keys) << keys.error().what;
    return hasyncd::Sealer(*keys, &hasyncd::Key::auth)
        .seal(heartbeat, hasyncd::additional_data(hasyncd::Purpose::Heartbeat, kNobody));
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

class CheckOver : public OverEither<CheckTest> {};
INSTANTIATE_TEST_SUITE_P(Each, CheckOver, testing::Bool(), family);

TEST_P(CheckOver, NamesWhatIsBrokenAndNothingElse) {
  expect_well(1);
  expect_well(3);

  run_on(1, "ip link add eth9 type veth peer name eth8 && ip link set eth8 up && ip link set eth9 up && ip " +
                std::string(ipv6_ ? "-6" : "-4") + " route add default dev eth9");
  expect_fault(1, "paths", "eth9 leads to peers at any address");
  run_on(1, "ip link del eth9");

  set_up(2, {{"branch", {"net"}}, {"caf\xe9", {}}, {"office", {"net"}}});
  expect_fault(1, "connections", "of what n1 has, n2 lacks child \"voice\" of \"office\"");
  set_up(2, {{"branch", {"net"}}, {"caf\xe9", {}}});
  expect_fault(1, "connections", "of what n1 has, n2 lacks connection \"office\"");
  expect_fault(3, "connections", "n2 lacks connection \"office\"");  // a witness sees it as well

  set_up(2, kConnections, HASYNC_VERSION, 0xc1000000);
  expect_fault(1, "spi-ranges", "n1 and n2 choose SPIs from one range");
  set_up(2, kConnections, "0.0.9");
  expect_fault(2, "plugin-version", "the plugin is 0.0.9");
  set_up(2, kConnections);

  forward(1, ipv6_, false);
  expect_fault(1, "kernel", (ipv6_ ? "IPv6" : "IPv4") + std::string(" packets are not forwarded"));
  forward(1, ipv6_, true);
  forward(1, !ipv6_, false);
  expect_well(1);
  std::ofstream(folder_ / "conf1", std::ios::app)
      << "[[vip]]\naddress = \"" << (ipv6_ ? "10.77.1.100/24" : "2001:db8::100/64")
      << "\"\ninterface = \"eth0\"\n";
  expect_fault(1, "kernel", (ipv6_ ? "IPv4" : "IPv6") + std::string(" packets are not forwarded"));
  forward(1, !ipv6_, true);
  expect_well(1);

  end(3, SIGKILL);
  expect_fault(1, "members", "n3 takes no part");
  start(3);
  expect_well(1);

  // No hasyncd: what can be seen without it is seen all the same.
  end(1, SIGKILL);
  ::chmod(key_file(1).c_str(), 0640);
  const Checked alone = check(1);
  EXPECT_THAT(alone.faults.at("hasyncd"), HasSubstr("does not answer"));
  EXPECT_THAT(alone.faults.at("key-file"), HasSubstr("has mode 0640"));
  EXPECT_EQ(alone.faults.size(), 2U) << testing::PrintToString(alone.faults);
}

// hasyncd logs of these as well, and that they have ended.
TEST_F(CheckTest, WhoElseMayUseTheFilesIsNamed) {
  expect_well(1);
  ::chmod(key_file(1).c_str(), 0640);  // without a question as well
  expect_logged("event=key-file-refused text=\"key file " + key_file(1) + ": has mode 0640");
  ::chmod(key_file(1).c_str(), 0600);
  struct Opened {
    std::string file;
    const char* id;
    const char* event;
  };
  for (const auto& [file, id, event] :
       {Opened{key_file(1), "key-file", "key-file-refused"},
        Opened{(folder_ / "socket1").string(), "sockets", "socket-changed"},
        Opened{(folder_ / "charon1").string(), "sockets", "socket-changed"}}) {
    ::chmod(file.c_str(), 0644);
    expect_fault(1, id, "has mode 0644");
    expect_logged("event=" + std::string(event) + " text=\"" + (file == key_file(1) ? "key file " : "") +
                  file);
    ::chmod(file.c_str(), 0600);
    ASSERT_EQ(::chown(file.c_str(), 1000, 0), 0);
    expect_fault(1, id, "belongs to user 1000, not to 0");
    expect_logged(file + (file == key_file(1) ? ": belongs" : " belongs") + " to user 1000");
    ASSERT_EQ(::chown(file.c_str(), 0, 0), 0);
    expect_well(1);
  }
  expect_logged("event=put-right text=\"" + (folder_ / "charon1").string() + " belongs to user 1000");
}

TEST_F(CheckTest, ATunnelThatEndsWithItsGatewayAStandbyThatIsNotReadyAndALostMajorityAreNamed) {
  expect_well(1);
  const int owner = status(1)["owner"];
  const int other = 3 - owner;
  const std::string text = sample_context().SerializeAsString();  // on another address than the shared one
  charons_.at(owner)->change({0x1111111111111111, 0x2222222222222222}, text);
  expect_fault(owner, "tunnels", "1 of 1 would end with this node", "warning");

  charons_.erase(other);
  expect_among(owner, "standby", "no other gateway is ready to take over");
  expect_among(other, "charon", "charon does not run");
  const std::string name = "; n" + std::to_string(other) + ": ";
  EXPECT_THAT(ask(owner, "failover").dump(), HasSubstr(name + "its charon is not there"));

  ring_->kill(other);
  ring_->kill(3);
  expect_among(owner, "quorum", "has no majority");
  expect_among(owner, "owner", "owns the tunnels, but is lapsed");
}

TEST_P(CheckOver, ANeighbouringClusterAndAMemberWithAnotherKeyAreToldApart) {
  expect_well(2);
  const std::string foreign = (folder_ / "foreign.key").string();
  ASSERT_EQ(output_of(HAIPSEC_PROGRAM " keygen --json --out " + foreign)["ok"], true);
  const auto send = [&] {
    send_to(2, sealed_with(foreign, hasyncd::encode(hasyncd::Heartbeat{.from = {NodeId{3}, Incarnation{1}},
                                                                       .number = 1})));
  };
  const std::string other = address(9) + (ipv6_ ? "/64" : "/24") + " dev eth0";
  run_on(3, "ip addr add " + other + (ipv6_ ? " nodad" : "") + " && ip route add " + address(2) +
                " dev eth0 src " + address(9));
  send();
  ASSERT_TRUE(until([&] { return check(2).faults.contains("strangers"); })) << log();
  EXPECT_EQ(check(2).level, "warning");
  EXPECT_THAT(check(2).faults["strangers"], HasSubstr(address(9) + " is no member"));
  expect_logged("event=heartbeat-unsealed error=\"from " + address(9) + ": sealed with key " +
                hasyncd::key_id_text(hasyncd::load_keys(foreign)->newest().id));
  run_on(3, "ip route del " + address(2) + " && ip addr del " + other);
  send();
  expect_fault(2, "strangers", "what n3 sends does not open");
  expect_logged("event=heartbeat-unsealed error=\"from " + address(3) + ": sealed with key ");
}

TEST_P(CheckOver, AMemberOfANewerSchemaIsNamedAndTheClusterGoesOn) {
  expect_well(1);
  // As a later hasyncd on the third node would say it.
  proto::ring::Heartbeat later;
  const Bytes known = hasyncd::encode(hasyncd::Heartbeat{.from = {NodeId{3}, Incarnation{1}}, .number = 1});
  ASSERT_TRUE(later.ParseFromArray(known.data(), static_cast<int>(known.size())));
  later.set_major(2);
  const std::string text = later.SerializeAsString();
  send_to(1, sealed_with(key_file(3), view_of(text)));

  expect_fault(1, "protocol", "n3 speaks a newer version");
  EXPECT_THAT(log(), HasSubstr("event=heartbeat-malformed error=\"field major: 2 is newer than 1\""));
  EXPECT_EQ(members(1), (std::vector<int>{1, 2, 3}));
}

TEST_F(CheckTest, AMemberOfAnotherVersionAndAClockThatIsBehindAreNamed) {
  expect_well(1);
  end(3, SIGKILL);
  start(3, {{"LD_PRELOAD", LATE_CLOCK}});
  expect_fault(1, "clocks", "the clock of n3 is 5 s behind this one", "warning");
  end(3, SIGKILL);
  program_ = HASYNCD_ELDER;
  start(3);
  expect_fault(1, "version", "n3 runs hasyncd 0.0.9, this node " HASYNC_VERSION, "warning");
  expect_fault(3, "version", "n2 runs hasyncd " HASYNC_VERSION ", this node 0.0.9", "warning");
}

TEST_F(CheckTest, AFullDiskForLogsAndAnUnreadableCertificateAreNamedOnTheStandby) {
  // Its namespace is that of hasyncd as well: it sees the full disk.
  run_on(2, "mount -t tmpfs tmpfs /etc/swanctl && mkdir /etc/swanctl/x509");
  expect_well(2);
  const std::string file = "/etc/swanctl/x509/gw.pem";
  for (const auto& [makes, what] : {std::pair{"ln -s /gone ", ": cannot be read: No such file or directory"},
                                    std::pair{"mkdir ", ": is no file"}, std::pair{"mkfifo ", ": is no file"},
                                    std::pair{"touch ", ": is no X.509 certificate, neither PEM nor DER"}}) {
    run_on(2, makes + file);
    expect_fault(2, "certificates", file + what);
    run_on(2, "rm -r " + file);
  }
  run_on(2, "umount /etc/swanctl");

  run_on(2, "mount -t tmpfs -o size=64k tmpfs /var/log; head -c 1M /dev/zero > /var/log/syslog");
  ignored_.erase("disk");
  expect_among(2, "disk", "/var/log is full");
  expect_logged("event=disk-low text=\"/var/log is full\"");
}

}  // namespace
}  // namespace hasync
