#include "hasyncd/log/stability.h"

#include <gtest/gtest.h>

#include "hasyncd/log/replica.h"

namespace hasync::hasyncd {
namespace {

constexpr Process kOne{NodeId{1}, Incarnation{10}};
constexpr Process kTwo{NodeId{2}, Incarnation{20}};

Stability installed() {
  Stability out;
  out.install({Epoch{4}, {{kOne, true, false}, {kTwo, true, false}}, NodeId{1}});
  out.reached(kBeginning, 100);
  out.reached(3, 103);
  return out;
}

TEST(Stability, IsWhatEveryMemberHasAcknowledged) {
  Stability stability = installed();
  stability.reported(kOne, Epoch{4}, 3, 103);
  EXPECT_EQ(stability.stable(), 0U);
  stability.reported(kTwo, Epoch{4}, 2, 100);
  EXPECT_EQ(stability.stable(), 2U);
}

TEST(Stability, AHoleInTheLogIsNeverAgreed) {
  Stability stability = installed();
  stability.reported(kOne, Epoch{4}, 3, 103);
  stability.reported(kTwo, Epoch{4}, 3, 999);
  EXPECT_EQ(stability.stable(), 0U);
}

TEST(Stability, AReportBeforeOurOwnPositionCountsOnceWeGetThere) {
  Stability stability = installed();
  stability.reported(kOne, Epoch{4}, 3, 103);
  stability.reported(kTwo, Epoch{4}, 4, 104);
  EXPECT_EQ(stability.agreed(NodeId{2}), 0U);
  stability.reached(4, 104);
  EXPECT_EQ(stability.agreed(NodeId{2}), 4U);
}

TEST(Stability, ReportsOfAnotherEpochOrProcessAreNothing) {
  Stability stability = installed();
  stability.reported(kTwo, Epoch{3}, 3, 103);
  stability.reported({NodeId{2}, Incarnation{21}}, Epoch{4}, 3, 103);
  EXPECT_EQ(stability.agreed(NodeId{2}), 0U);
  EXPECT_EQ(stability.whole(), 0U);
}

TEST(Stability, AnOlderReportTakesNothingBackAndNobodyElseHasAgreedToAnything) {
  Stability stability = installed();
  stability.reported(kTwo, Epoch{4}, 3, 103);
  stability.reported(kTwo, Epoch{4}, 2, 100);
  EXPECT_EQ(stability.agreed(NodeId{2}), 3U);
  EXPECT_EQ(stability.agreed(NodeId{9}), 0U);
  EXPECT_EQ(Stability{}.stable(), 0U);
}

}  // namespace
}  // namespace hasync::hasyncd
