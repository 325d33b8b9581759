#include "hasyncd/relations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/hasyncd/shipped_times.h"

namespace hasync::hasyncd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

// What is shipped: the defaults, and docs/examples.
constexpr RingTimes kShipped{65ms, 31ms, 78ms};
constexpr RingTimes kCorosyncsOwn{1000ms, 238ms, 1200ms};

std::map<std::string, Relation> by_name(const Config& config, const std::optional<RingTimes>& ring) {
  std::map<std::string, Relation> out;
  for (const Relation& relation : relations(config, ring)) out.emplace(relation.rule->name, relation);
  return out;
}

std::vector<std::string> false_ones(const Config& config, const RingTimes& ring) {
  std::vector<std::string> out;
  for (const Relation& relation : relations(config, ring)) {
    if (!relation.holds()) out.emplace_back(relation.rule->name);
  }
  return out;
}

TEST(Relations, WhatIsShippedHoldsWithAMargin) {
  EXPECT_THAT(false_ones(shipped_times(), kShipped), testing::IsEmpty());
  const auto all = by_name(shipped_times(), kShipped);
  EXPECT_EQ(all.at("fence-heartbeats").margin(), 0);
  EXPECT_EQ(all.at("evict-detection").margin(), 7);
  EXPECT_EQ(all.at("lease-standstill").least, 2 * 20000 * (150 + 80 + 20 + 200) / 1000);
  EXPECT_EQ(all.at("commit-standstill").least, 150 + 80 + 20 + 200);
}

// One step beyond what holds, each rule by itself.
TEST(Relations, EachIsFalseJustBelowItsLimit) {
  struct Case {
    const char* name;
    void (*spoil)(Config&, RingTimes&);
  };
  const Case cases[] = {
      {"fence-heartbeats", [](Config& c, RingTimes&) { c.fence = 79ms; }},
      {"evict-fence", [](Config& c, RingTimes&) { c.fence = 91ms; }},
      {"drift-slew", [](Config& c, RingTimes&) { c.drift_ppm = 999; }},
      {"silence-evict", [](Config& c, RingTimes&) { c.two_node_silence = 299ms; }},
      {"lease-standstill", [](Config& c, RingTimes&) { c.lease_size = 17999; }},
      {"commit-standstill", [](Config& c, RingTimes&) { c.commit_wait = 449ms; }},
      {"evict-detection", [](Config&, RingTimes& r) { r.token = 73ms; }},
      {"token-retransmit", [](Config&, RingTimes& r) { r.token_retransmit = 33ms; }},
      {"consensus-token", [](Config&, RingTimes& r) { r.consensus = 64ms; }},
  };
  Config all = shipped_times();
  all.two_node = Config::TwoNode::Available;
  ASSERT_EQ(std::size(cases), relations(all, kShipped).size()) << "a rule without a case";
  for (const Case& one : cases) {
    Config config = all;
    RingTimes ring = kShipped;
    one.spoil(config, ring);
    EXPECT_THAT(false_ones(config, ring), testing::ElementsAre(one.name));
  }
}

TEST(Relations, TheSlowerOfCorosyncAndHasyncdCounts) {
  EXPECT_EQ(standstill(shipped_times(), kShipped), 450ms);  // evict_after is the longer one
  EXPECT_EQ(standstill(shipped_times(), {200ms, 60ms, 240ms}), 740ms);
}

TEST(Relations, ASecondRoundBelongsToItHoweverLongThatIsPutOff) {
  Config config = shipped_times();
  config.evict_after = 900ms;
  EXPECT_EQ(standstill(config, kShipped), 900ms + 80ms + 20ms + 900ms);
}

TEST(Relations, CorosyncsOwnTimesNeedLargerLeasesAndALongerWait) {
  EXPECT_THAT(false_ones(shipped_times(), kCorosyncsOwn),
              testing::ElementsAre("lease-standstill", "commit-standstill", "evict-detection"));
  Config config = shipped_times();
  config.lease_size = static_cast<std::uint64_t>(by_name(config, kCorosyncsOwn).at("lease-standstill").least);
  config.commit_wait = 4000ms;
  EXPECT_THAT(false_ones(config, kCorosyncsOwn), testing::ElementsAre("evict-detection"));
}

TEST(Relations, WithoutARingOnlyThoseOfTheConfiguration) {
  for (const Relation& relation : relations(shipped_times(), std::nullopt)) EXPECT_FALSE(relation.rule->ring);
  EXPECT_EQ(relations(shipped_times(), std::nullopt).size(), 3U);
}

TEST(Relations, HowLongSilenceLastsConcernsTwoGatewaysThatTakeItForAWord) {
  EXPECT_FALSE(by_name(shipped_times(), kShipped).contains("silence-evict"));
}

TEST(Relations, AComplaintHasBothValuesAndSaysWhy) {
  Config config = shipped_times();
  config.lease_size = 4096;
  const std::string text = complaint(by_name(config, kShipped).at("lease-standstill"));
  EXPECT_THAT(text, StartsWith("lease.size: 4096 numbers must be at least 18000 numbers: "));
  EXPECT_THAT(text, HasSubstr("lease.peak"));
}

}  // namespace
}  // namespace hasync::hasyncd
