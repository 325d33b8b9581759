#include "vpe/window_table.h"

#include <gtest/gtest.h>

namespace hasync::vpe {
namespace {

WindowName name(std::uint32_t number) {
  return {SenderId{static_cast<std::uint16_t>(number >> 16)}, WindowId{static_cast<std::uint16_t>(number)}};
}

TEST(WindowTables, FindsWhatWasMadeAndNothingElse) {
  WindowTable table(64, 5000);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    ASSERT_EQ(table.find(name(i * 977)), nullptr);
    ASSERT_NE(table.make(name(i * 977)), nullptr);
    table.find(name(i * 977))->take(i + 1);
  }
  for (std::uint32_t i = 0; i < 5000; ++i) ASSERT_EQ(table.find(name(i * 977))->top(), i + 1);
  EXPECT_EQ(table.find(name(1)), nullptr);
  EXPECT_EQ(table.states().size(), 5000U);
}

TEST(WindowTables, IsBounded) {
  WindowTable table(64, 3);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_NE(table.make(name(i)), nullptr);
  EXPECT_EQ(table.make(name(3)), nullptr);
  EXPECT_EQ(table.find(name(3)), nullptr);
  EXPECT_NE(table.find(name(0)), nullptr);
}

TEST(WindowTables, WhatIsRetiredGoesAndLeavesRoom) {
  WindowTable table(64, 2);
  const WindowName old{kUnicast, window_id({.node = 3, .incarnation = 1}, 0)};
  const WindowName other_node{kUnicast, window_id({.node = 4, .incarnation = 1}, 0)};
  const WindowName fresh{kUnicast, window_id({.node = 3, .incarnation = 2}, 0)};
  table.make(old);
  table.make(other_node);
  table.find(old);  // the last one found is remembered
  table.retire_below(kUnicast, 3, 2);
  EXPECT_EQ(table.find(old), nullptr);
  EXPECT_TRUE(table.is_retired(old));
  EXPECT_FALSE(table.is_retired(fresh));
  EXPECT_FALSE(table.is_retired(other_node));
  EXPECT_FALSE(table.is_retired({SenderId{1}, old.window}));
  EXPECT_NE(table.find(other_node), nullptr);
  EXPECT_NE(table.make(fresh), nullptr);
}

TEST(WindowTables, RetirementNeverGoesBack) {
  WindowTable table(64, 2);
  const WindowName five{kUnicast, window_id({.incarnation = 5}, 0)};
  table.retire_below(kUnicast, 0, 6);
  table.retire_below(kUnicast, 0, 2);
  table.retire_below(kUnicast, 16, 31);  // no such node
  EXPECT_TRUE(table.is_retired(five));
}

}  // namespace
}  // namespace hasync::vpe
