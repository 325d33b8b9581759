#include "hasyncd/node/rekey_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = seconds{5};

std::vector<OutboundKey> keys(std::uint32_t count) {
  std::vector<OutboundKey> out;
  for (std::uint32_t i = 1; i <= count; ++i) out.push_back({Address::v4(192, 0, 2, 1), EspSpi{i}});
  return out;
}

TEST(RekeyPlan, EachComesOnceEvenlyOverTheTime) {
  RekeyPlan plan;
  plan.begin(keys(100), seconds{10}, kStart);
  std::set<OutboundKey> seen;
  for (int step = 0; step < 100; ++step) {
    const auto due = plan.due(kStart + milliseconds{100} * step);
    ASSERT_EQ(due.size(), 1U) << step;
    seen.insert(due.begin(), due.end());
  }
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_TRUE(plan.empty());
}

TEST(RekeyPlan, TheOrderIsAlwaysTheSameAndNotThatOfTheSpis) {
  RekeyPlan plan;
  RekeyPlan other;
  auto mixed = keys(50);
  std::ranges::reverse(mixed);
  plan.begin(keys(50), seconds{1}, kStart);
  other.begin(mixed, seconds{1}, kStart);
  const auto due = plan.due(kStart + seconds{1});
  EXPECT_EQ(due, other.due(kStart + seconds{1}));
  EXPECT_FALSE(std::ranges::is_sorted(due));
}

TEST(RekeyPlan, NothingIsPlannedForNobody) {
  RekeyPlan plan;
  plan.begin({}, seconds{1}, kStart);
  EXPECT_TRUE(plan.due(kStart + seconds{9}).empty());
}

}  // namespace
}  // namespace hasync::hasyncd
