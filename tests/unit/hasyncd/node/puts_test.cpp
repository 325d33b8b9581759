#include "hasyncd/node/puts.h"

#include <gtest/gtest.h>

#include "hasyncd/log/replica.h"

namespace hasync::hasyncd {
namespace {

constexpr SaId kFirst{2, 2};
constexpr SaId kSecond{1, 1};

TEST(Puts, ComeDueInTheOrderInWhichTheyWereWantedOnceTheLogHasThemForGood) {
  Puts puts;
  EXPECT_TRUE(puts.want(kFirst, 7));
  EXPECT_TRUE(puts.want(kSecond, 5));
  EXPECT_TRUE(puts.due(4).empty());
  EXPECT_EQ(puts.due(6), std::vector{kSecond});
  EXPECT_EQ(puts.due(7), (std::vector{kFirst, kSecond}));
  EXPECT_TRUE(puts.contains(kFirst));
  EXPECT_FALSE(puts.empty());
}

TEST(Puts, SomethingNewerIsWaitedForToo) {
  Puts puts;
  puts.want(kFirst, 5);
  EXPECT_FALSE(puts.want(kFirst, 8));
  EXPECT_TRUE(puts.due(7).empty());
  EXPECT_EQ(puts.due(8), std::vector{kFirst});
}

TEST(Puts, OneUnderWayIsAskedForAgainAfterItsAnswer) {
  Puts puts;
  puts.want(kFirst, 5);
  EXPECT_FALSE(puts.answered(kFirst));  // it was not asked for yet
  puts.asked(kFirst, true);
  EXPECT_TRUE(puts.due(9).empty());
  EXPECT_FALSE(puts.want(kFirst, 9));
  const auto answered = puts.answered(kFirst);
  ASSERT_TRUE(answered);
  EXPECT_TRUE(answered->active);
  EXPECT_TRUE(answered->again);
  EXPECT_TRUE(puts.empty());
}

TEST(Puts, PositionsOfAnEpochThatHasEndedMeanItsState) {
  Puts puts;
  puts.want(kFirst, 31);
  puts.begin_epoch();
  EXPECT_TRUE(puts.due(kBeginning - 1).empty());
  EXPECT_EQ(puts.due(kBeginning), std::vector{kFirst});
}

TEST(Puts, WhatCharonDoesNotHaveYetIsRekeyedBehindIt) {
  const OutboundKey key{Address::v4(192, 0, 2, 1), EspSpi{7}};
  Puts puts;
  puts.rekey_behind(kFirst, key);  // not wanted
  puts.want(kFirst, 5);
  puts.rekey_behind(kFirst, key);
  puts.rekey_behind(kFirst, key);
  EXPECT_EQ(puts.asked(kFirst, true), std::vector{key});
  EXPECT_TRUE(puts.asked(kSecond, true).empty());
}

TEST(Puts, WhatIsWantedNoMoreIsForgotten) {
  Puts puts;
  puts.want(kFirst, 5);
  puts.forget(kFirst);
  EXPECT_TRUE(puts.empty());
}

TEST(Puts, CharonKeepsUpIfNothingWasToBePutLately) {
  using std::chrono::milliseconds;
  Puts puts;
  puts.want(kFirst, 5);
  EXPECT_FALSE(puts.keeps_up(milliseconds{0})) << "it has not been through all of it yet";
  puts.asked(kFirst, false);
  puts.answered(kFirst);
  EXPECT_TRUE(puts.keeps_up(milliseconds{100}));
  puts.want(kSecond, 6);
  EXPECT_TRUE(puts.keeps_up(milliseconds{1100}));
  EXPECT_FALSE(puts.keeps_up(milliseconds{1101}));
  puts.forget(kSecond);
  EXPECT_TRUE(puts.keeps_up(milliseconds{2000}));
  puts.want(kFirst, 7);
  puts.begin_round();
  EXPECT_FALSE(puts.keeps_up(milliseconds{2001})) << "all is gone through anew";
}

}  // namespace
}  // namespace hasync::hasyncd
