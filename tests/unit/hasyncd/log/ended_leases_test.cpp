#include "hasyncd/log/ended_leases.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

TEST(EndedLeases, TheHighestEndOfAnSpiIsKnown) {
  EndedLeases ended;
  EXPECT_EQ(ended.end_of(EspSpi{7}), 0U);
  ended.remember({EspSpi{7}, 500});
  ended.remember({EspSpi{7}, 400});
  EXPECT_EQ(ended.end_of(EspSpi{7}), 500U);
  EXPECT_EQ(ended.end_of(EspSpi{8}), 0U);
}

TEST(EndedLeases, TheOldestIsForgottenFirstAndEachEndCountsAnew) {
  EndedLeases ended;
  for (std::uint32_t spi = 1; spi <= EndedLeases::kRemembered; ++spi) ended.remember({EspSpi{spi}, 10});
  ended.remember({EspSpi{1}, 20});
  ended.remember({EspSpi{0xf0000000}, 30});
  EXPECT_EQ(ended.end_of(EspSpi{1}), 20U);
  EXPECT_EQ(ended.end_of(EspSpi{2}), 0U);
  EXPECT_EQ(ended.end_of(EspSpi{3}), 10U);
  EXPECT_EQ(ended.all().size(), EndedLeases::kRemembered);
}

TEST(EndedLeases, WhoIsToldOfAllForgetsInTheSameOrder) {
  EndedLeases here;
  for (const std::uint32_t spi : {9U, 3U, 5U, 3U}) here.remember({EspSpi{spi}, spi});
  EndedLeases there;
  for (const EndedLease& ended : here.all()) there.remember(ended);
  for (EndedLeases* each : {&here, &there}) {
    for (std::uint32_t i = 0; i < EndedLeases::kRemembered - 2; ++i) each->remember({EspSpi{1000 + i}, 1});
    EXPECT_EQ(each->end_of(EspSpi{9}), 0U);
    EXPECT_EQ(each->end_of(EspSpi{5}), 5U);
    EXPECT_EQ(each->end_of(EspSpi{3}), 3U);
  }
  EXPECT_EQ(here.all(), there.all());
}

}  // namespace
}  // namespace hasync::hasyncd
