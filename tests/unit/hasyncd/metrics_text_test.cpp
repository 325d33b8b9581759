#include "hasyncd/adapters/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/check_names.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

namespace hasync::hasyncd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

MetricsStatus owner() {
  MetricsStatus out;
  NodeStatus& node = out.node;
  node.version = "0.1.0";
  node.cluster = "branch";
  node.name = "gw1";
  node.role = "gateway";
  node.state = "owner";
  node.up = 90s;
  node.epoch = Epoch{7};
  node.index = 12;
  node.stable = 9;
  node.quorate = node.ring_connected = node.charon_connected = true;
  node.fence = {true, 70ms, 60ms, 80ms};
  node.tunnels = 5;
  node.unprotected = 1;
  node.members = {
      {.id = NodeId{1}, .name = "gw1", .self = true, .in_epoch = true, .owner = true, .index = 12},
      {.id = NodeId{2},
       .name = "gw\"2",
       .in_epoch = true,
       .ready = true,
       .last_heartbeat_ago = 4ms,
       .index = 9,
       .refused = 3}};
  // Every counter of docs/control.md has a place.
  std::ifstream in(HASYNC_SOURCE "/docs/control.md");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  const std::string counters = page.substr(page.find("## Counters"));
  std::uint64_t value = 100;
  const std::regex row("\n\\| (`[a-z_`, ]+`) \\|");
  for (std::sregex_iterator at(counters.begin(), counters.end(), row), end; at != end; ++at) {
    const std::string names = (*at)[1];
    const std::regex name("[a-z_]+");
    for (std::sregex_iterator one(names.begin(), names.end(), name); one != std::sregex_iterator(); ++one)
      node.counters.emplace_back(one->str(), ++value);
  }
  for (auto& [name, count] : node.counters) {
    if (name == "passed" || name == "no_fence") name = "egress_" + name;
  }
  out.stable_times.observe(0.0015);
  out.stable_times.observe(3);
  out.lease_headroom = 40000;
  node.replay_bound = 77;
  node.replay_exposed = 4;
  node.replay_exposed_vpe = 2;
  return out;
}

TEST(MetricsText, TellsTheStateAsPrometheusReadsIt) {
  const std::string text = metrics_text(owner());
  for (const char* line :
       {"# TYPE hasyncd_takeovers_total counter\n",
        "hasyncd_build_info{version=\"0.1.0\",cluster=\"branch\",node=\"gw1\",role=\"gateway\"} 1\n",
        "hasyncd_state{state=\"owner\"} 1\n",
        "hasyncd_state{state=\"standby\"} 0\n",
        "hasyncd_epoch 7\n",
        "hasyncd_uptime_seconds 90\n",
        "hasyncd_log_lag_entries 3\n",
        "hasyncd_contexts 4\n",
        "hasyncd_tunnels_unprotected 1\n",
        "hasyncd_fence_margin_seconds 0.07",
        "hasyncd_fence_least_margin_seconds 0.06",
        "hasyncd_member_owner{member=\"gw1\"} 1\n",
        "hasyncd_member_lag_entries{member=\"gw\\\"2\"} 3\n",
        "hasyncd_member_refused_contexts{member=\"gw\\\"2\"} 3\n",
        "hasyncd_member_heartbeat_age_seconds{member=\"gw\\\"2\"} 0.004",
        "hasyncd_lease_headroom_numbers 40000\n",
        "hasyncd_replay_bound_packets 77\n",
        "hasyncd_replay_exposed_child_sas 4\n",
        "hasyncd_replay_exposed_vpe_child_sas 2\n",
        "# TYPE hasyncd_log_stable_seconds histogram\n",
        "hasyncd_log_stable_seconds_count 2\n",
        "hasyncd_log_stable_seconds_bucket{le=\"0.002\"} 1\n",
        "hasyncd_log_stable_seconds_bucket{le=\"2\"} 1\n",
        "hasyncd_log_stable_seconds_bucket{le=\"+Inf\"} 2\n",
        "hasyncd_gate_passed_packets_total{direction=\"egress\"} ",
        "hasyncd_gate_dropped_packets_total{direction=\"egress\",reason=\"no_fence\"} "}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(MetricsText, EveryMetricAppearsOnceWithItsTypeAndItsHelp) {
  const std::string text = metrics_text(owner());
  for (const std::string& name : metric_names()) {
    EXPECT_TRUE(prometheus::CheckMetricName(name)) << name;
    const std::size_t at = text.find("# TYPE " + name + " ");
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_EQ(text.find("# TYPE " + name + " ", at + 1), std::string::npos) << name;
    EXPECT_NE(text.find("# HELP " + name + " "), std::string::npos) << name;
    const bool counter = text.compare(text.find(' ', at + 7) + 1, 7, "counter") == 0;
    EXPECT_EQ(counter, name.ends_with("_total")) << name;
  }
}

TEST(MetricsText, EveryCounterOfTheStatusIsInIt) {
  const MetricsStatus status = owner();
  ASSERT_GE(status.node.counters.size(), 30U);
  const std::string text = metrics_text(status);
  for (const auto& [name, value] : status.node.counters) {
    const bool of_the_gate = name.find("egress_") == 0;
    const std::set<std::string> packets = {"no_entry",  "below_floor",    "at_ceiling", "fragment",
                                           "malformed", "address_fenced", "contended",  "repeated"};
    if (packets.contains(name) || name == "put_last_ns") continue;  // told above, by direction; in seconds
    EXPECT_THAT(text, HasSubstr(" " + std::to_string(value) + "\n"))
        << name << (of_the_gate ? "" : " has no place");
  }
}

TEST(MetricsText, WhatIsNotKnownIsAbsent) {
  MetricsStatus status;
  status.node.state = "standby";
  const std::string text = metrics_text(status);
  for (const char* name : {"lease_headroom", "least_margin", "replay_bound", "member_", "gate_"})
    EXPECT_THAT(text, Not(HasSubstr(name)));
  EXPECT_THAT(text, HasSubstr("hasyncd_fence_margin_seconds 0\n"));
  EXPECT_THAT(text, HasSubstr("hasyncd_log_stable_seconds_bucket{le=\"+Inf\"} 0\n"));
}

TEST(Dashboard, ShowsOnlyWhatThereIs) {
  std::ifstream in(HASYNC_SOURCE "/docs/grafana/hasyncd.json");
  const std::string board{std::istreambuf_iterator<char>(in), {}};
  std::set<std::string> known;
  for (const std::string& name : metric_names()) known.insert(name);
  for (const char* part : {"_bucket", "_sum", "_count"})
    known.insert("hasyncd_log_stable_seconds" + std::string(part));
  std::set<std::string> shown;
  const std::regex name("hasyncd_[a-z_]+");
  for (std::sregex_iterator at(board.begin(), board.end(), name), end; at != end; ++at)
    shown.insert(at->str());
  EXPECT_GE(shown.size(), 25U);
  for (const std::string& one : shown) EXPECT_TRUE(known.contains(one)) << one;
}

}  // namespace
}  // namespace hasync::hasyncd
