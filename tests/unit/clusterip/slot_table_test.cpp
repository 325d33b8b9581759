#include "clusterip/slot_table.h"

#include <gtest/gtest.h>

namespace hasync::clusterip {
namespace {

SaKey sa(std::uint32_t spi) {
  return {Address::v4(192, 0, 2, 1), EspSpi{spi}};
}

TEST(SlotTable, GivesEachSaASlotOfItsOwn) {
  SlotTable table(2);
  EXPECT_EQ(table.add(sa(1), {1, 2}).index, 0U);
  EXPECT_EQ(table.add(sa(2), {3, 4}).index, 1U);
  EXPECT_EQ(table.room(), 0U);
  ASSERT_NE(table.find(sa(2)), nullptr);
  EXPECT_EQ(table.find(sa(2))->limits, (Limits{3, 4}));
  EXPECT_EQ(table.find(sa(3)), nullptr);
}

TEST(SlotTable, ReusesTheLongestFreedSlotUnderANewGeneration) {
  SlotTable table(3);
  for (const std::uint32_t spi : {1U, 2U, 3U}) table.add(sa(spi), {});
  table.remove(sa(2));
  table.remove(sa(1));
  table.remove(sa(7));  // not there
  EXPECT_EQ(table.room(), 2U);
  EXPECT_EQ(table.add(sa(4), {}), (Slot{.index = 1, .generation = 2}));
  EXPECT_EQ(table.add(sa(5), {}), (Slot{.index = 0, .generation = 2}));
}

TEST(SlotTable, PrefersSlotsThatWereNeverUsed) {
  SlotTable table(2);
  table.add(sa(1), {});
  table.remove(sa(1));
  EXPECT_EQ(table.add(sa(2), {}), (Slot{.index = 1, .generation = 1}));
}

TEST(Limits, WidthIsBoundedByTheSerialComparison) {
  EXPECT_TRUE(check_limits({sa(1), {5, 5}}));
  EXPECT_TRUE(check_limits({sa(1), {5, 5 + kMaxWidth}}));
  EXPECT_EQ(check_limits({sa(1), {5, 6 + kMaxWidth}}).error().code, Errc::Invalid);
  EXPECT_EQ(check_limits({sa(1), {5, 4}}).error().code, Errc::Invalid);
  EXPECT_NE(check_limits({sa(0xabc), {5, 4}}).error().what.find("00000abc"), std::string::npos);
}

TEST(Limits, FloorFollowsOnlyWhereItMust) {
  EXPECT_EQ(*raised({10, 20}, {sa(1), 30}), (Limits{10, 30}));
  EXPECT_EQ(*raised({10, 20}, {sa(1), 20}), (Limits{10, 20}));
  EXPECT_EQ(*raised({10, 10 + kMaxWidth}, {sa(1), 15 + kMaxWidth}), (Limits{15, 15 + kMaxWidth}));
  EXPECT_FALSE(raised({10, 20}, {sa(1), 19}));
  EXPECT_FALSE(raised({10, 20}, {sa(1), 21 + kMaxRaise}));
}

TEST(Widen, FindsTheNearest64BitNumber) {
  EXPECT_EQ(widen(5, 5), 5U);
  EXPECT_EQ(widen(0x10, 0x5fffffff0), 0x600000010U);
  EXPECT_EQ(widen(0xfffffff0, 0x600000010), 0x5fffffff0U);
  EXPECT_EQ(widen(0, 0xffffffff), 0x100000000U);
}

}  // namespace
}  // namespace hasync::clusterip
