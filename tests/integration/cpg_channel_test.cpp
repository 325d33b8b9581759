// CpgChannel, QuorumWatch and RingSettings against three real corosync processes.
#include "hasyncd/adapters/cpg_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>

#include "hasyncd/adapters/quorum_watch.h"
#include "hasyncd/adapters/ring_settings_reader.h"
#include "tests/support/corosync_ring.h"

namespace hasync::hasyncd {
namespace {

using namespace std::chrono_literals;

// A process of the group, as the test sees it.
struct Station {
  std::unique_ptr<CpgChannel> channel;
  std::unique_ptr<QuorumWatch> quorum;
  std::vector<GroupView> views;
  std::vector<std::string> delivered;  // "node:text"
  std::vector<Error> lost;
  std::optional<bool> quorate;

  std::size_t members() const { return views.empty() ? 0 : views.back().members.size(); }
};

class CpgTest : public testing::Test {
 protected:
  void SetUp() override {
    auto ring = start();
    if (!ring) GTEST_SKIP() << "SKIPPED: " << ring.error().what;
    ring_.emplace(std::move(*ring));
    for (int node = 1; node <= nodes(); ++node) add(node);
    for (int node = 1; node <= nodes(); ++node) join(node);
    for (int node = 1; node <= nodes(); ++node) {
      ASSERT_TRUE(until([&] { return at(node).members() == static_cast<std::size_t>(nodes()); }))
          << ring_->log();
    }
  }

  void TearDown() override {
    for (auto& station : stations_) {
      if (station->channel) station->channel->close();
      if (station->quorum) station->quorum->close();
    }
  }

  virtual int nodes() const { return 3; }
  virtual Result<test::CorosyncRing> start() { return test::CorosyncRing::start(3); }

  Station& at(int node) { return *stations_[static_cast<std::size_t>(node - 1)]; }

  void add(int node) {
    stations_.push_back(std::make_unique<Station>());
    Station& s = at(node);
    s.channel = std::make_unique<CpgChannel>(
        io_, CpgChannel::Callbacks{[&s](const GroupView& view) { s.views.push_back(view); },
                                   [&s](GroupMember from, BytesView bytes) {
                                     s.delivered.push_back(std::to_string(from.node.value) + ":" +
                                                           std::string(text_of(bytes)));
                                   },
                                   [&s](const Error& error) { s.lost.push_back(error); }});
    s.quorum = std::make_unique<QuorumWatch>(
        io_, QuorumWatch::Callbacks{[&s](bool quorate) { s.quorate = quorate; }, [](const Error&) {}});
  }

  void join(int node) {
    ASSERT_TRUE(until([&] {
      bool connected = false;
      ring_->inside(node, [&] {
        connected = at(node).channel->connect().has_value() && at(node).quorum->connect().has_value();
      });
      return connected;
    })) << ring_->log();
  }

  // Runs the loop until `condition` holds, for at most a minute.
  bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io_.restart();
      io_.run_one_for(20ms);
    }
    return true;
  }

  boost::asio::io_context io_{1};
  std::optional<test::CorosyncRing> ring_;
  std::vector<std::unique_ptr<Station>> stations_;
};

Bytes bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

TEST_F(CpgTest, AllProcessesDeliverOneOrder) {
  constexpr int kEach = 300;
  for (int i = 0; i < kEach; ++i) {
    for (int node = 1; node <= 3; ++node) {
      ASSERT_TRUE(at(node).channel->multicast(bytes_of(std::to_string(i))));
    }
  }
  ASSERT_TRUE(until([&] {
    return at(1).delivered.size() == 3 * kEach && at(2).delivered.size() == 3 * kEach &&
           at(3).delivered.size() == 3 * kEach;
  }));
  EXPECT_EQ(at(1).delivered, at(2).delivered);
  EXPECT_EQ(at(1).delivered, at(3).delivered);
  EXPECT_EQ(at(1).channel->local_node(), NodeId{1});
  EXPECT_EQ(at(3).channel->counters().sent, 300U);
}

TEST_F(CpgTest, ALargeMessagePassesAndATooLargeOneIsRefused) {
  const std::string large(1000 * 1000, 'x');
  ASSERT_TRUE(at(2).channel->multicast(bytes_of(large)));
  ASSERT_TRUE(until([&] { return at(1).delivered.size() == 1; }));
  EXPECT_EQ(at(1).delivered[0].size(), large.size() + 2);
  const Status refused = at(2).channel->multicast(Bytes(2 * 1000 * 1000));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Invalid);
}

// At sixteen megabytes a second: a snapshot must leave time for heartbeats.
TEST_F(CpgTest, MuchAtOnceIsSpreadOverTime) {
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(at(1).channel->multicast(Bytes(96U << 10U)));
  EXPECT_GE(at(1).channel->counters().queued, 9U);
  ASSERT_TRUE(until([&] { return at(2).delivered.size() == 10; }));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 9 * 6ms);
  EXPECT_EQ(at(1).channel->counters().queued, 0U);
}

TEST_F(CpgTest, ADeadCorosyncIsSeenByTheOthersAndByItsOwnProcess) {
  ASSERT_TRUE(until([&] { return at(1).quorate == true && at(2).quorate == true; }));
  ring_->kill(3);
  ASSERT_TRUE(until([&] { return at(1).members() == 2 && at(2).members() == 2 && !at(3).lost.empty(); }));
  const GroupView& view = at(1).views.back();
  ASSERT_EQ(view.left.size(), 1U);
  EXPECT_EQ(view.left[0].member.node, NodeId{3});
  EXPECT_EQ(view.left[0].reason, GroupChange::NodeDown);
  EXPECT_FALSE(at(3).channel->is_connected());
  EXPECT_FALSE(at(3).channel->multicast(bytes_of("x")));
  EXPECT_EQ(at(1).quorate, true);

  ring_->kill(2);
  ASSERT_TRUE(until([&] { return at(1).quorate == false; }));

  ASSERT_TRUE(ring_->restart(3));
  join(3);
  ASSERT_TRUE(until([&] { return at(3).members() == 2 && at(1).members() == 2 && at(1).quorate == true; }));
}

TEST_F(CpgTest, WhoLeavesIsSeenToLeaveAndLosesNothing) {
  at(2).channel->close();
  ASSERT_TRUE(until([&] { return at(1).members() == 2; }));
  EXPECT_EQ(at(1).views.back().left.at(0).reason, GroupChange::ProcessDown);
  EXPECT_TRUE(at(2).lost.empty());
}

TEST_F(CpgTest, AHungCorosyncFillsTheQueueAndNothingElse) {
  ring_->signal(1, SIGSTOP);
  const Bytes block(100 * 1000, 'b');
  std::size_t taken = 0;
  while (at(1).channel->multicast(block)) {
    ASSERT_LT(++taken, 1000U);
  }
  EXPECT_EQ(at(1).channel->multicast(block).error().code, Errc::Busy);
  EXPECT_TRUE(until([&] { return at(2).members() == 2; }));  // the loop ran on
  ring_->signal(1, SIGCONT);
  EXPECT_TRUE(until([&] { return at(1).delivered.size() == taken; }))
      << at(1).delivered.size() << " of " << taken;
}

TEST_F(CpgTest, AHungCorosyncIsNotWaitedForHoweverSmallTheMessages) {
  constexpr std::size_t kMany = 1000;
  ring_->signal(1, SIGSTOP);
  for (std::size_t i = 0; i < kMany; ++i) ASSERT_TRUE(at(1).channel->multicast(bytes_of(std::to_string(i))));
  EXPECT_GT(at(1).channel->counters().queued, 0U);
  EXPECT_TRUE(until([&] { return at(2).members() == 2; }));  // the loop ran on
  ring_->signal(1, SIGCONT);
  EXPECT_TRUE(until([&] { return at(1).delivered.size() == kMany; })) << at(1).delivered.size();
}

TEST_F(CpgTest, AHungCorosyncIsLeftWithoutWaiting) {
  ring_->signal(1, SIGSTOP);
  const auto begun = std::chrono::steady_clock::now();
  at(1).channel->close();
  at(1).quorum->close();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
  ring_->signal(1, SIGCONT);
  ASSERT_TRUE(until([&] { return at(2).members() == 2; }));
  join(1);
  EXPECT_TRUE(until([&] { return at(1).members() == 3 && at(2).members() == 3; })) << ring_->log();
}

TEST_F(CpgTest, TheSettingsInEffectAreRead) {
  ring_->inside(2, [] {
    const Result<RingSettings> settings = read_ring_settings();
    ASSERT_TRUE(settings) << settings.error().what;
    EXPECT_EQ(settings->local, NodeId{2});
    EXPECT_EQ(settings->nodes, (std::vector<NodeId>{NodeId{1}, NodeId{2}, NodeId{3}}));
    EXPECT_EQ(settings->cluster_name, "test");
    EXPECT_TRUE(settings->is_encrypted());
    EXPECT_TRUE(settings->votequorum);
    EXPECT_EQ(settings->times.token, 300ms);
    EXPECT_EQ(settings->times.consensus, 360ms);
  });
  const Result<RingSettings> elsewhere = read_ring_settings();
  ASSERT_FALSE(elsewhere);
  EXPECT_NE(elsewhere.error().what.find("cmap_initialize"), std::string::npos);
}

// docs/examples: what is shipped fits together and forms a ring.
struct Sample {
  const char* folder;
  int nodes;
  std::vector<std::string> warned_of = {};  // the subject of each warning
};

class SampleTest : public CpgTest, public testing::WithParamInterface<Sample> {
 protected:
  static std::string path(const std::string& file) {
    return std::string(HASYNC_SOURCE "/docs/examples/") + GetParam().folder + "/" + file;
  }
  static std::vector<std::string> subjects(const std::vector<std::string>& warnings) {
    std::vector<std::string> out;
    for (const std::string& each : warnings) out.push_back(each.substr(0, each.find(": its")));
    return out;
  }
  int nodes() const override { return GetParam().nodes; }
  Result<test::CorosyncRing> start() override {
    std::ifstream in(path("corosync.conf"));
    return test::CorosyncRing::start(nodes(), {std::istreambuf_iterator<char>(in), {}});
  }
};

TEST_P(SampleTest, CorosyncRunsAsShippedAndHasyncdAgreesWithIt) {
  const ConfigOutcome outcome = load_config(path("gateway.toml"));
  ASSERT_TRUE(outcome.config);
  ring_->inside(1, [&] {
    const Result<RingSettings> settings = read_ring_settings();
    ASSERT_TRUE(settings) << settings.error().what;
    const RingCheck check = check_ring(*settings, *outcome.config);
    EXPECT_THAT(check.errors, testing::IsEmpty());
    EXPECT_EQ(subjects(check.warnings), GetParam().warned_of);
    EXPECT_EQ(settings->cluster_name, outcome.config->cluster_name);
  });
}

INSTANTIATE_TEST_SUITE_P(Shipped, SampleTest,
                         testing::Values(Sample{"witness", 3}, Sample{"three", 3},
                                         Sample{"qnetd", 2, {"corosync.conf: quorum.device"}}),
                         [](const auto& sample) { return std::string(sample.param.folder); });

}  // namespace
}  // namespace hasync::hasyncd
