#include "vpe/window_id.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace hasync::vpe {
namespace {

TEST(WindowIds, EveryPlaceAndClassHasItsOwn) {
  std::vector<bool> seen(65536);
  for (std::uint32_t value = 0; value < 65536; ++value) {
    const WindowId id{static_cast<std::uint16_t>(value)};
    const Place place = place_of(id);
    ASSERT_TRUE(in_budget(place));
    ASSERT_EQ(window_id(place, class_of(id)), id);
  }
  EXPECT_EQ(kNodes * kIncarnations * kCores * kClasses, 65536U);
}

TEST(WindowIds, BitsStandWhereTheDocumentSays) {
  EXPECT_EQ(window_id({.node = 1}, 0).value, 0x1000);
  EXPECT_EQ(window_id({.incarnation = 1}, 0).value, 0x0080);
  EXPECT_EQ(window_id({.core = 1}, 0).value, 0x0004);
  EXPECT_EQ(window_id({}, 1).value, 0x0001);
  EXPECT_EQ(window_id({.node = 15, .incarnation = 31, .core = 31}, 3).value, 0xffff);
}

TEST(WindowIds, BudgetIsBounded) {
  EXPECT_TRUE(in_budget({15, 31, 31}));
  EXPECT_FALSE(in_budget({16, 0, 0}));
  EXPECT_FALSE(in_budget({0, 32, 0}));
  EXPECT_FALSE(in_budget({0, 0, 32}));
}

TEST(WindowIds, ClassComesFromDscp) {
  const std::map<int, int> wanted{{0, 0},  {1, 1},  {8, 1},  {10, 0}, {16, 0}, {18, 0},
                                  {24, 2}, {26, 2}, {28, 2}, {30, 2}, {32, 2}, {34, 2},
                                  {38, 2}, {40, 3}, {44, 3}, {46, 3}, {48, 3}, {56, 3}};
  for (const auto& [dscp, traffic_class] : wanted)
    EXPECT_EQ(class_of_dscp(static_cast<std::uint8_t>(dscp)), traffic_class) << "DSCP " << dscp;
  for (int dscp = 0; dscp < 64; ++dscp) EXPECT_LT(class_of_dscp(static_cast<std::uint8_t>(dscp)), kClasses);
}

}  // namespace
}  // namespace hasync::vpe
