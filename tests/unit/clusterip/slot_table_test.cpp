#include "clusterip/slot_table.h"

#include <gtest/gtest.h>

#include <utility>

namespace hasync::clusterip {
namespace {

OutboundKey sa(std::uint32_t spi) {
  return {Address::v4(192, 0, 2, 1), EspSpi{spi}};
}

TEST(SlotTable, GivesEachSaASlotOfItsOwn) {
  SlotTable table(2);
  EXPECT_EQ(table.add({sa(1), 1, 2}).index, 0U);
  EXPECT_EQ(table.add({sa(2), 3, 4}).index, 1U);
  EXPECT_EQ(table.room(), 0U);
  ASSERT_NE(table.find(sa(2)), nullptr);
  EXPECT_EQ(*table.find(sa(2)), (Slot{.index = 1, .generation = 1, .floor = 3, .ceiling = 4}));
  EXPECT_EQ(table.find(sa(3)), nullptr);
  EXPECT_EQ(std::as_const(table).find(sa(2)), table.find(sa(2)));
  EXPECT_EQ(std::as_const(table).find(sa(3)), nullptr);
}

TEST(SlotTable, ReusesTheLongestFreedSlotUnderANewGeneration) {
  SlotTable table(3);
  for (const std::uint32_t spi : {1U, 2U, 3U}) table.add({sa(spi), 1, 100});
  table.remove(sa(2));
  table.remove(sa(1));
  table.remove(sa(7));  // not there
  EXPECT_EQ(table.room(), 2U);
  EXPECT_EQ(table.add({sa(4), 5, 6}), (Slot{.index = 1, .generation = 2, .floor = 5, .ceiling = 6}));
  EXPECT_EQ(table.add({sa(5), 5, 6}), (Slot{.index = 0, .generation = 2, .floor = 5, .ceiling = 6}));
}

TEST(SlotTable, KnowsWhoseEachSlotIs) {
  SlotTable table(2);
  table.add({sa(1)});
  table.add({sa(2)});
  table.remove(sa(1));
  ASSERT_EQ(table.keys().size(), 2U);
  EXPECT_EQ(table.keys()[0], nullptr);
  EXPECT_EQ(*table.keys()[1], sa(2));
  table.add({sa(3)});
  EXPECT_EQ(*table.keys()[0], sa(3));
}

TEST(SlotTable, PrefersSlotsThatWereNeverUsed) {
  SlotTable table(2);
  table.add({sa(1)});
  table.remove(sa(1));
  EXPECT_EQ(table.add({sa(2)}), (Slot{.index = 1, .generation = 1}));
}

TEST(SlotChange, FloorIsTheHighestOfWhatBindsIt) {
  const Slot slot{.index = 3, .generation = 7, .floor = 10, .ceiling = 20};
  const auto with = [slot](std::uint64_t floor, std::uint64_t ceiling, bool closed = false) {
    return Slot{slot.index, slot.generation, floor, ceiling, closed};
  };
  EXPECT_EQ(changed(slot, {sa(1), 10, 30}, 15), with(10, 30)) << "what left does not bind an open SA";
  EXPECT_EQ(changed(slot, {sa(1), 12, 30}, 10), with(12, 30));
  EXPECT_EQ(changed(slot, {sa(1), 5, 30}, 10), with(10, 30)) << "never back";
  EXPECT_EQ(changed(slot, {sa(1), 5, 8}, 10), with(10, 10)) << "closed rather than inside out";
  EXPECT_EQ(changed(with(10, 20, true), {sa(1), 10, 30}, 15), with(15, 30))
      << "closed once: behind what left";
  EXPECT_EQ(changed(slot, {sa(1), 10, 10 + kMaxWidth}, 10), with(10, 10 + kMaxWidth));
  EXPECT_EQ(changed(slot, {sa(1), 10, 15 + kMaxWidth}, 10), with(15, 15 + kMaxWidth));
}

std::uint64_t block_of(std::uint64_t word) {
  return word >> 32U;
}

TEST(NoneLeft, EachWordStandsForTheFirstBlockOfItsOwnThatIsNotBehind) {
  for (const std::uint64_t floor : {0ULL, 31ULL, 32ULL, 1000ULL, 0xffffffffULL, 0x7'ffff'ffe1ULL}) {
    const std::uint64_t first = (floor & 0xffffffffU) / 32;
    for (std::uint32_t i = 0; i < 8; ++i) {
      const std::uint64_t word = none_left(i, floor);
      EXPECT_EQ(block_of(word) % 8, i) << floor;
      EXPECT_LT((block_of(word) - first) % (1U << 27U), 8U) << floor;
      EXPECT_EQ(word & 0xffffffffU, 0U);
    }
  }
}

TEST(IsEarlier, ComparesWhereBlocksBeginOnTheCircleOfNumbers) {
  const std::uint64_t last = std::uint64_t{(1U << 27U) - 1} << 32U;
  EXPECT_TRUE(is_earlier(0, 1ULL << 32U));
  EXPECT_FALSE(is_earlier(1ULL << 32U, 1ULL << 32U));
  EXPECT_TRUE(is_earlier(last, 0)) << "around the end";
  EXPECT_FALSE(is_earlier(0, last));
  EXPECT_FALSE(is_earlier(0xffffffff, 0)) << "the bits do not matter";
}

TEST(Widen, FindsTheNearest64BitNumber) {
  EXPECT_EQ(widen(5, 5), 5U);
  EXPECT_EQ(widen(0x10, 0x5fffffff0), 0x600000010U);
  EXPECT_EQ(widen(0xfffffff0, 0x600000010), 0x5fffffff0U);
  EXPECT_EQ(widen(0, 0xffffffff), 0x100000000U);
}

}  // namespace
}  // namespace hasync::clusterip
