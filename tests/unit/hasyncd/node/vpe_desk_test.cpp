// What a gateway tells the log of its vped, and when it hands on what the log gives.
#include "hasyncd/node/vpe_desk.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

constexpr NodeId kSelf{1};
constexpr SaId kSa{1, 1}, kSuccessor{2, 2};
constexpr EspSpi kSpi{0x1001};
constexpr std::uint64_t kSession = 11;

OutboundSa child(bool vpe = true) {
  return {{Address::v4(192, 0, 2, 10), kSpi}, true, 0, EspSpi{0x2001}, vpe};
}

struct Desk : testing::Test {
  std::optional<GiveVpe> give(std::uint64_t stable) {
    return desk_.to_give(shares_, stable, [this](SaId sa) { return held_.contains(sa); });
  }
  // The vped is here, the log has it and the SA, by position 5.
  void has_a_share() {
    desk_.begin(kSession);
    shares_.begin(kSelf, kSession);
    shares_.hold(kSpi, kSa, false);
    desk_.changed({kSpi}, 5);
  }
  GiveVpe first() const { return {kSession, {{kSa, kSpi, {0, 0}}}}; }

  VpeDesk desk_{kSelf};
  VpeShares shares_;
  std::set<SaId> held_{kSa};
};

TEST_F(Desk, TellsTheLogOnceOfEachVped) {
  EXPECT_EQ(desk_.to_tell(shares_), std::nullopt) << "there is none";
  desk_.begin(kSession);
  EXPECT_EQ(desk_.to_tell(shares_), VpeBegin{kSession});
  EXPECT_EQ(desk_.to_tell(shares_), std::nullopt) << "it is under way";
  shares_.begin(kSelf, kSession);
  desk_.installed();
  EXPECT_EQ(desk_.to_tell(shares_), std::nullopt) << "it is known";
  desk_.begin(12);
  EXPECT_EQ(desk_.to_tell(shares_), VpeBegin{12});
}

TEST_F(Desk, TellsAgainWhatWasVoid) {
  desk_.begin(kSession);
  desk_.to_tell(shares_);
  desk_.void_entry();
  EXPECT_EQ(desk_.to_tell(shares_), VpeBegin{kSession});
  desk_.installed();
  EXPECT_EQ(desk_.to_tell(shares_), VpeBegin{kSession}) << "what was under way in another epoch";
}

TEST_F(Desk, TellsNothingOfAVpedThatIsGone) {
  desk_.begin(kSession);
  desk_.charon_lost();
  EXPECT_EQ(desk_.to_tell(shares_), std::nullopt);
  EXPECT_EQ(desk_.session(), 0U);
}

TEST_F(Desk, HandsOnAShareWhenItIsStableAndOnce) {
  has_a_share();
  EXPECT_EQ(give(4), std::nullopt);
  EXPECT_EQ(give(5), first());
  EXPECT_EQ(give(6), std::nullopt);
}

TEST_F(Desk, AShareThatALaterEntryChangesWaitsForThat) {
  has_a_share();
  desk_.begin(12);
  shares_.begin(kSelf, 12);
  desk_.changed({kSpi}, 9);
  EXPECT_EQ(give(5), std::nullopt);
  EXPECT_EQ(give(9), (GiveVpe{12, {{kSa, kSpi, {0, 1}}}}));
}

TEST_F(Desk, InAnotherEpochWhatWaitedCountsWithItsBeginning) {
  has_a_share();
  desk_.installed();
  EXPECT_EQ(give(0), std::nullopt);
  EXPECT_EQ(give(kBeginning), first());
}

TEST_F(Desk, WithoutItsVpedOrItsContextItHandsOnNothing) {
  has_a_share();
  held_.clear();
  EXPECT_EQ(give(5), std::nullopt);
  held_ = {kSa};
  EXPECT_EQ(give(5), std::nullopt) << "nobody has said that charon has it now";
  desk_.held({child()});
  EXPECT_EQ(give(5), first());
  desk_.charon_lost();
  desk_.held({child()});
  EXPECT_EQ(give(5), std::nullopt);
}

TEST_F(Desk, HandsOnAgainWhatCharonWasGivenAgain) {
  has_a_share();
  give(5);
  desk_.held({child(false)});
  EXPECT_EQ(give(5), std::nullopt) << "ESP";
  desk_.held({child()});
  EXPECT_EQ(give(5), first()) << "charon may have let the CHILD_SA go";
  EXPECT_EQ(give(5), std::nullopt);
}

TEST_F(Desk, HandsOnAgainWhatAnotherIkeSaHasNow) {
  has_a_share();
  give(5);
  shares_.hold(kSpi, kSuccessor, false);
  desk_.changed({kSpi}, 6);
  held_ = {kSuccessor};
  EXPECT_EQ(give(6), (GiveVpe{kSession, {{kSuccessor, kSpi, {0, 0}}}}));
}

TEST_F(Desk, MarksWhatMayHaveBeenSentOn) {
  std::vector<OutboundSa> outbound{child(), child(false)};
  desk_.reported(kSa, outbound, true);
  EXPECT_FALSE(outbound[0].vpe_old);
  desk_.reported(kSa, outbound, false);
  EXPECT_TRUE(outbound[0].vpe_old) << "charon had it before it was connected";
  EXPECT_FALSE(outbound[1].vpe_old) << "ESP has leases";
}

TEST_F(Desk, WhatWasInAStateThatIsLostMayHaveBeenSentOn) {
  std::vector<OutboundSa> outbound{child()};
  desk_.state_lost({kSpi});
  desk_.reported(kSa, outbound, true);
  EXPECT_TRUE(outbound[0].vpe_old);
}

TEST_F(Desk, SoMayWhatWasOnItsWayThere) {
  std::vector<OutboundSa> outbound{child()};
  desk_.reported(kSa, outbound, true);
  desk_.state_lost({});
  desk_.reported(kSa, outbound, true);
  EXPECT_TRUE(outbound[0].vpe_old);
}

TEST_F(Desk, ButNotWhatHadEndedBefore) {
  std::vector<OutboundSa> outbound{child()};
  desk_.reported(kSa, outbound, true);
  desk_.gone(kSa);
  desk_.state_lost({});
  desk_.reported(kSa, outbound, true);
  EXPECT_FALSE(outbound[0].vpe_old);
}

}  // namespace
}  // namespace hasync::hasyncd
