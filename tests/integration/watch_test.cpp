// What others see of a living cluster: a gateway, which owns, and two witnesses; its metrics as Prometheus
// reads them, and its events as haipsec prints them.
#include <gmock/gmock.h>

#include <regex>

#include "tests/integration/daemon_hosts.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/running.h"

namespace hasync {
namespace {

using testing::HasSubstr;

class WatchTest : public DaemonHosts {
 protected:
  void SetUp() override {
    DaemonHosts::SetUp();
    if (IsSkipped()) return;
    charon_ = std::make_unique<test::FakePlugin>(folder_ / "charon1");
    for (const int node : {1, 3})
      write_config(node, "[metrics]\nlisten = \"" + metrics(node) + "\"\n",
                   node == 1 ? "gateway" : "witness");
    for (int node = 1; node <= 3; ++node) start(node);
    ASSERT_TRUE(until([&] {
      return status(1).value("fence", nlohmann::json::object()).value("open", false) &&
             members(1) == std::vector{1, 2, 3};
    })) << log();
  }

  std::string metrics(int node) const {
    return (ipv6_ ? "[" + address(node) + "]" : address(node)) + ":9420";
  }

  // From another host, as Prometheus would.
  nlohmann::json scrape(int node) const {
    const std::string printed =
        run_on(2, HASYNC_SOURCE "/tests/integration/scrape http://" + metrics(node) + "/metrics");
    return nlohmann::json::parse(printed, nullptr, false);
  }

  std::unique_ptr<test::FakePlugin> charon_;
};

// Nothing is sent by this gateway's only SA, as there is none.
const std::set<std::string> kNotYet = {"hasyncd_lease_headroom_numbers"};

class WatchOver : public OverEither<WatchTest> {};
INSTANTIATE_TEST_SUITE_P(Each, WatchOver, testing::Bool(), family);

TEST_P(WatchOver, PrometheusReadsWhatTheStatusTells) {
  ASSERT_TRUE(until([&] { return scrape(1).contains("hasyncd_fence_least_margin_seconds"); })) << log();
  const nlohmann::json seen = scrape(1);
  EXPECT_EQ(
      seen.value("hasyncd_build_info{cluster=test,node=n1,role=gateway,version=" HASYNC_VERSION "}", 0.0), 1);
  EXPECT_EQ(seen.value("hasyncd_state{state=owner}", 0.0), 1);
  EXPECT_EQ(seen.value("hasyncd_state{state=standby}", 1.0), 0);
  EXPECT_EQ(seen.value("hasyncd_takeovers_total{cause=first}", 0.0), 1);
  EXPECT_EQ(seen.value("hasyncd_takeovers_total{cause=lost}", 1.0), 0);
  EXPECT_EQ(seen.value("hasyncd_fence_length_seconds", 0.0), 0.08);
  EXPECT_GT(seen.value("hasyncd_fence_margin_seconds", 0.0), 0);
  EXPECT_LE(seen.value("hasyncd_fence_margin_seconds", 1.0), 0.08);
  EXPECT_EQ(seen.value("hasyncd_member_owner{member=n1}", 0.0), 1);
  EXPECT_EQ(seen.value("hasyncd_member_in_epoch{member=n3}", 0.0), 1);
  EXPECT_LT(seen.value("hasyncd_member_heartbeat_age_seconds{member=n2}", 9.0), 2);
  EXPECT_GT(seen.value("hasyncd_heartbeats_received_total", 0.0), 0);
  EXPECT_EQ(seen.value("hasyncd_epoch", 0.0), status(1).value("epoch", 1.0));
  EXPECT_TRUE(seen.contains("hasyncd_gate_dropped_packets_total{direction=ingress,reason=no_fence}"));
  EXPECT_TRUE(seen.contains("hasyncd_log_stable_seconds_bucket{le=+Inf}"));

  std::ifstream in(HASYNC_SOURCE "/docs/metrics.md");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  const std::regex row("\n\\| `(hasyncd_[a-z_]+)` \\|");
  for (std::sregex_iterator at(page.begin(), page.end(), row), end; at != end; ++at) {
    const std::string name = (*at)[1];
    const bool there =
        std::ranges::any_of(seen.items(), [&](const auto& item) { return item.key().rfind(name, 0) == 0; });
    EXPECT_EQ(there, !kNotYet.contains(name)) << name;
  }

  const nlohmann::json later = scrape(1);
  EXPECT_GT(later.value("hasyncd_heartbeats_received_total", 0.0),
            seen.value("hasyncd_heartbeats_received_total", 0.0));
  EXPECT_EQ(scrape(3).value("hasyncd_state{state=standby}", 0.0), 1);
  EXPECT_FALSE(scrape(3).contains("hasyncd_gate_bypasses_total")) << "a witness has no gate";
}

TEST_F(WatchTest, EventsAreToldAsTheyHappen) {
  test::Running haipsec(HAIPSEC_PROGRAM,
                        {"--json", "--socket", (folder_ / "socket2").string(), "events", "--follow"});
  std::string last;
  const auto comes = [&](const std::string& event) {
    while (!(last = haipsec.line()).empty()) {
      const auto told = nlohmann::json::parse(last, nullptr, false);
      if (told.is_object() && told.value("event", "") == event) return true;
    }
    return false;
  };
  EXPECT_TRUE(comes("started")) << "it begins with what was logged before";
  end(3, SIGKILL);
  ASSERT_TRUE(comes("epoch-installed")) << log();
  EXPECT_THAT(last, HasSubstr("\"severity\":\"info\""));
  haipsec.interrupt(SIGINT);
  EXPECT_EQ(haipsec.ended(), 0);
  EXPECT_EQ(ask(2, "events")["events"][0]["event"], "started");

  test::Running again(HAIPSEC_PROGRAM, {"--socket", (folder_ / "socket2").string(), "events", "--follow"});
  EXPECT_THAT(again.line(),
              testing::MatchesRegex("20.*Z info event=started node=2 role=witness members=3\n"));
  end(2, SIGKILL);
  EXPECT_EQ(again.ended(), 3);
}

}  // namespace
}  // namespace hasync
