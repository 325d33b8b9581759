#include "hasyncd/wire/key_choice.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

constexpr NodeId kA{1};
constexpr NodeId kB{2};
constexpr std::uint32_t kOld = 10;
constexpr std::uint32_t kNew = 20;
constexpr std::uint32_t kNewest = 30;

TEST(KeyChoice, BeforeAnybodyIsHeardItIsTheOldest) {
  EXPECT_EQ(KeyChoice({kOld}).sealing(), kOld);
  EXPECT_EQ(KeyChoice({kOld, kNew}).sealing(), kOld);
}

TEST(KeyChoice, ANewKeyIsUsedOnceAllWhoAreHeardHaveIt) {
  KeyChoice choice({kOld, kNew});
  choice.heard(kA, {kOld}, kOld);
  EXPECT_EQ(choice.sealing(), kOld);
  choice.heard(kB, {kOld, kNew}, kOld);
  EXPECT_EQ(choice.sealing(), kOld);
  choice.heard(kA, {kOld, kNew}, kOld);
  EXPECT_EQ(choice.sealing(), kNew);
}

TEST(KeyChoice, ItReturnsToTheOldKeyForWhoeverHasNoOther) {
  KeyChoice choice({kOld, kNew});
  choice.heard(kA, {kOld, kNew}, kNew);
  EXPECT_EQ(choice.sealing(), kNew);
  choice.heard(kB, {kOld}, kOld);  // was down meanwhile
  EXPECT_EQ(choice.sealing(), kOld);
  choice.heard(kB, {kOld, kNew}, kOld);
  EXPECT_EQ(choice.sealing(), kNew);
}

TEST(KeyChoice, WhoStayedBehindHoldsUpNobody) {
  KeyChoice choice({kOld, kNew});
  choice.heard(kA, {kNew}, kNew);  // has retired the old one
  EXPECT_EQ(choice.sealing(), kNew);
  choice.heard(kB, {kOld}, kOld);
  EXPECT_EQ(choice.sealing(), kNew);
}

TEST(KeyChoice, TheNewestOfSeveralThatAllHave) {
  KeyChoice choice({kOld, kNew, kNewest});
  choice.heard(kA, {kOld, kNew}, kOld);
  choice.heard(kB, {kOld, kNew, kNewest}, kOld);
  EXPECT_EQ(choice.sealing(), kNew);
}

TEST(KeyChoice, AnotherFileCountsAtOnce) {
  KeyChoice choice({kOld});
  choice.heard(kA, {kOld, kNew}, kOld);
  EXPECT_EQ(choice.sealing(), kOld);
  choice.own({kOld, kNew});
  EXPECT_EQ(choice.sealing(), kNew);
  choice.own({kNew});
  EXPECT_EQ(choice.sealing(), kNew);
}

TEST(KeyChoice, AMemberHasMovedOnWhenItSealsWithTheNewest) {
  KeyChoice choice({kOld, kNew});
  EXPECT_FALSE(choice.has_moved_on(kA));
  choice.heard(kA, {kOld, kNew}, kOld);
  EXPECT_FALSE(choice.has_moved_on(kA));
  choice.heard(kA, {kOld, kNew}, kNew);
  EXPECT_TRUE(choice.has_moved_on(kA));
}

TEST(KeyChoice, AMemberThatTellsNoKeysHasTheOneItSealsWith) {
  KeyChoice choice({kOld, kNew});
  choice.heard(kA, {}, kOld);
  EXPECT_EQ(choice.sealing(), kOld);
}

}  // namespace
}  // namespace hasync::hasyncd
