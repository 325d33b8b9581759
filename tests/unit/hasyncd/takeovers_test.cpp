#include "hasyncd/takeovers.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

constexpr NodeId kMe{1};
constexpr NodeId kOther{2};

class TakeoversTest : public testing::Test {
 protected:
  void take(bool moved = false, bool anew = false) {
    takeovers_.seen({Role::Taking, kMe, moved, anew});
    takeovers_.seen({Role::Taking, kMe, false, anew});
    takeovers_.seen({Role::Owner, kMe, false, anew});
  }
  void stand_by() { takeovers_.seen({Role::Standby, kOther}); }
  const Takeovers::Counts& counts() const { return takeovers_.counts(); }
  std::uint64_t all() const {
    return counts().lost + counts().handed_over + counts().by_operator + counts().from_silence +
           counts().first + counts().resumed;
  }

  Takeovers takeovers_{kMe};
};

TEST_F(TakeoversTest, CountWhenPacketsMayPassByTheLastOwner) {
  takeovers_.seen({Role::Taking, kMe});
  EXPECT_EQ(all(), 0U);
  takeovers_.seen({Role::Owner, kMe});
  EXPECT_EQ(counts().first, 1U);
  stand_by();
  take();
  EXPECT_EQ(counts().lost, 1U);
  takeovers_.seen({Role::Out, kNobody});
  take();
  EXPECT_EQ(counts().resumed, 1U);
  EXPECT_EQ(all(), 3U);
}

TEST_F(TakeoversTest, AMoveIsOneWhetherItIsStableAtOnceOrLater) {
  stand_by();
  take(true);
  EXPECT_EQ(counts().handed_over, 1U);
  stand_by();
  takeovers_.seen({Role::Owner, kMe, true});
  EXPECT_EQ(counts().handed_over, 2U);
  EXPECT_EQ(all(), 2U);
}

TEST_F(TakeoversTest, OneThatDoesNotComeAboutIsNone) {
  stand_by();
  takeovers_.seen({Role::Taking, kMe, true});
  stand_by();
  take();
  EXPECT_EQ(counts().handed_over, 0U);
  EXPECT_EQ(counts().lost, 1U);
}

TEST_F(TakeoversTest, ALapseIsNone) {
  take();
  for (const Role role : {Role::Lapsed, Role::Owner, Role::Leaving, Role::Lapsed, Role::Owner})
    takeovers_.seen({role, kMe});
  EXPECT_EQ(all(), 1U);
}

TEST_F(TakeoversTest, TheOperatorsWordCountsForTheNextOneAlone) {
  stand_by();
  takeovers_.asked_by_operator();
  take();  // the other came, and was lost again
  EXPECT_EQ(counts().lost, 1U);
  stand_by();
  takeovers_.asked_by_operator();
  take(false, true);
  EXPECT_EQ(counts().by_operator, 1U);
  stand_by();
  take(false, true);
  EXPECT_EQ(counts().by_operator, 1U);
  EXPECT_EQ(counts().from_silence, 1U) << "nobody has said it again";
}

}  // namespace
}  // namespace hasync::hasyncd
