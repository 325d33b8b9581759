#include "hasyncd/node/taken_over.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = seconds{5};

constexpr std::uint32_t kInbound = 0xc000;

TakenOver::Spis spis(std::uint32_t count) {
  TakenOver::Spis out;
  for (std::uint32_t i = 1; i <= count; ++i) out.emplace(EspSpi{i}, EspSpi{kInbound + i});
  return out;
}

TEST(TakenOver, EachIsRekeyedOnceEvenlyOverTheTime) {
  TakenOver taken(seconds{10});
  taken.begin(spis(100), kStart);
  std::set<EspSpi> seen;
  for (int step = 0; step < 100; ++step) {
    const auto due = taken.due(kStart + milliseconds{100} * step);
    ASSERT_EQ(due.size(), 1U) << step;
    seen.insert(due.begin(), due.end());
  }
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_TRUE(taken.due(kStart + seconds{69}).empty());
}

TEST(TakenOver, WhatBecameDueWhileItCouldNotBeRekeyedDoesNotComeAtOnce) {
  TakenOver taken(seconds{10});
  taken.begin(spis(100), kStart);
  std::set<EspSpi> seen;
  for (std::size_t left = 100; left != 0;) {
    const auto due = taken.due(kStart + seconds{10});
    ASSERT_EQ(due.size(), std::min<std::size_t>(left, 16));
    left -= due.size();
    seen.insert(due.begin(), due.end());
  }
  EXPECT_EQ(seen.size(), 100U);
}

TEST(TakenOver, WhatIsThereAMinuteLaterIsPlannedAgainAndWhatHasEndedIsNot) {
  TakenOver taken(seconds{10});
  taken.begin(spis(3), kStart);
  taken.ended(EspSpi{1});
  EXPECT_EQ(taken.due(kStart + seconds{10}).size(), 2U);
  taken.ended(EspSpi{2});
  EXPECT_EQ(taken.due(kStart + seconds{70}), std::vector{EspSpi{3}});
  taken.ended(EspSpi{3});
  taken.read({});
  EXPECT_TRUE(taken.empty());
  EXPECT_TRUE(taken.due(kStart + seconds{200}).empty());
}

TEST(TakenOver, WhatHasEndedCountsUntilTheKernelHasItNoMore) {
  TakenOver taken(seconds{10});
  taken.begin(spis(2), kStart);
  taken.ended(EspSpi{1});
  EXPECT_EQ(taken.size(), 2U);
  EXPECT_TRUE(taken.lingers());
  taken.ended(EspSpi{2});
  taken.read({{{Address::v4(192, 0, 2, 100), EspSpi{kInbound + 2}}, 0},
              {{Address::v4(192, 0, 2, 100), EspSpi{kInbound + 3}}, 7}});
  EXPECT_EQ(taken.size(), 1U);
  taken.read({});
  EXPECT_TRUE(taken.empty());
  EXPECT_FALSE(taken.lingers());
}

TEST(TakenOver, WhatIsClosedLivesOnAndDoesNotCount) {
  TakenOver taken(seconds{10});
  taken.begin(spis(2), kStart);
  EXPECT_EQ(taken.inbound(EspSpi{1}), EspSpi{kInbound + 1});
  EXPECT_EQ(taken.closed(EspSpi{kInbound + 1}), EspSpi{1});
  EXPECT_EQ(taken.closed(EspSpi{kInbound + 1}), std::nullopt);
  EXPECT_EQ(taken.inbound(EspSpi{1}), std::nullopt);
  EXPECT_EQ(taken.size(), 1U);
  EXPECT_FALSE(taken.lingers());
  EXPECT_EQ(taken.due(kStart + seconds{10}), std::vector{EspSpi{2}});
}

TEST(TakenOver, TheOrderIsNotThatOfTheSpis) {
  TakenOver taken(seconds{1});
  taken.begin(spis(16), kStart);
  const auto due = taken.due(kStart + seconds{1});
  EXPECT_EQ(due.size(), 16U);
  EXPECT_FALSE(std::ranges::is_sorted(due));
}

TEST(TakenOver, NothingIsPlannedForNobodyOrInNoTime) {
  TakenOver taken(seconds{1});
  taken.begin({}, kStart);
  EXPECT_TRUE(taken.due(kStart + seconds{9}).empty());
  TakenOver not_asked(Duration{});
  not_asked.begin(spis(5), kStart);
  EXPECT_TRUE(not_asked.due(kStart + seconds{1000}).empty());
  EXPECT_EQ(not_asked.size(), 5U);
}

}  // namespace
}  // namespace hasync::hasyncd
