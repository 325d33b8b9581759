// Up to which of charon's reports the log has everything.
#include "hasyncd/node/reports.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

constexpr SaId kOne{1, 1};
constexpr SaId kTwo{2, 2};

TEST(Reports, AreSettledWhenTheyAreInTheLog) {
  Reports reports;
  EXPECT_EQ(reports.settled(), 0U);
  reports.came(kOne, 1);
  EXPECT_EQ(reports.settled(), 0U);
  reports.sent(kOne);
  EXPECT_EQ(reports.settled(), 0U);
  reports.logged(kOne);
  EXPECT_EQ(reports.settled(), 1U);
}

TEST(Reports, SettleInTheirOrderWhicheverIsLoggedFirst) {
  Reports reports;
  reports.came(kOne, 1);
  reports.came(kTwo, 2);
  reports.sent(kOne);
  reports.sent(kTwo);
  reports.logged(kTwo);
  EXPECT_EQ(reports.settled(), 0U);
  reports.logged(kOne);
  EXPECT_EQ(reports.settled(), 2U);
}

TEST(Reports, ThatCameWhileAnEarlierOneWasUnderWayWaitForTheirOwnTurn) {
  Reports reports;
  reports.came(kOne, 1);
  reports.sent(kOne);
  reports.came(kOne, 2);
  reports.logged(kOne);
  EXPECT_EQ(reports.settled(), 1U);
  reports.sent(kOne);
  reports.logged(kOne);
  EXPECT_EQ(reports.settled(), 2U);
}

TEST(Reports, OfOneIkeSaGoInTogether) {
  Reports reports;
  reports.came(kOne, 1);
  reports.came(kOne, 5);
  EXPECT_EQ(reports.settled(), 0U);
  reports.sent(kOne);
  reports.logged(kOne);
  EXPECT_EQ(reports.settled(), 5U);
}

TEST(Reports, ThatDidNotGetInAreOpenAgain) {
  Reports reports;
  reports.came(kOne, 3);
  reports.sent(kOne);
  reports.came(kOne, 4);
  reports.refused(kOne);
  reports.sent(kOne);
  EXPECT_EQ(reports.settled(), 2U);
  reports.logged(kOne);
  EXPECT_EQ(reports.settled(), 4U);
}

TEST(Reports, OfAnotherConnectionBeginAnew) {
  Reports reports;
  reports.came(kOne, 9);
  reports.clear();
  EXPECT_EQ(reports.settled(), 0U);
  reports.came(kTwo, 1);
  reports.logged(kOne);
  EXPECT_EQ(reports.settled(), 0U);
}

}  // namespace
}  // namespace hasync::hasyncd
