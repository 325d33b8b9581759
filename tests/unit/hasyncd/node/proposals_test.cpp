#include "hasyncd/node/proposals.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

constexpr SaId kSa{1, 2};
constexpr Epoch kEpoch{4};

Delta delta(const std::string& sealed, std::uint64_t version = 0) {
  return {kSa, version, Address::v4(192, 0, 2, 1), {}, sealed};
}

TEST(Proposals, OnlyTheNewestContextIsSaid) {
  Proposals proposals;
  proposals.changed(delta("old"));
  proposals.changed(delta("new"));
  EXPECT_EQ(proposals.due(kEpoch, {}), (std::vector<Entry>{{kEpoch, delta("new", 1)}}));
}

TEST(Proposals, OneContextIsUnderWayAtATime) {
  Proposals proposals;
  proposals.changed(delta("first"));
  proposals.sent(7, proposals.due(kEpoch, {}).front());
  proposals.changed(delta("second"));
  EXPECT_TRUE(proposals.due(kEpoch, {}).empty());
  EXPECT_TRUE(proposals.delivered(7, true));
  EXPECT_EQ(proposals.due(kEpoch, {{kSa, delta("first", 1)}}),
            (std::vector<Entry>{{kEpoch, delta("second", 2)}}));
}

TEST(Proposals, AreIdleWhenNothingWaitsOrIsUnderWay) {
  Proposals proposals;
  EXPECT_TRUE(proposals.idle());
  proposals.changed(delta("first"));
  EXPECT_FALSE(proposals.idle());
  proposals.sent(7, proposals.due(kEpoch, {}).front());
  EXPECT_FALSE(proposals.idle());
  proposals.delivered(7, true);
  EXPECT_TRUE(proposals.idle());
  proposals.gone(kSa, 1);
  EXPECT_FALSE(proposals.idle());
  Proposals grants;
  grants.grant({{Address::v4(192, 0, 2, 1), EspSpi{7}}, 5000});
  EXPECT_FALSE(grants.idle());
  Proposals move;
  move.move(NodeId{2});
  EXPECT_FALSE(move.idle());
}

TEST(Proposals, MoreGrantsThanAnEntryHoldsGoOutInSeveral) {
  Proposals proposals;
  for (std::uint32_t i = 0; i <= kMaxLeases; ++i)
    proposals.grant({{Address::v4(192, 0, 2, 1), EspSpi{256 + i}}, 5000});
  const std::vector<Entry> due = proposals.due(kEpoch, {});
  ASSERT_EQ(due.size(), 2U);
  EXPECT_EQ(std::get<Grant>(due.front().body).leases.size(), kMaxLeases);
  EXPECT_EQ(std::get<Grant>(due.back().body).leases.size(), 1U);
}

TEST(Proposals, AnEndThatWasVoidIsNotSaidAgainOfWhatIsThereAnew) {
  Proposals proposals;
  proposals.gone(kSa, 1);
  proposals.sent(7, proposals.due(kEpoch, {{kSa, delta("first")}}).front());
  proposals.changed(delta("anew"));
  proposals.delivered(7, false);
  const std::vector<Entry> due = proposals.due(kEpoch, {{kSa, delta("first", 1)}});
  ASSERT_EQ(due.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<Delta>(due.front().body));
}

TEST(Proposals, WhatIsGivenUpIsNamed) {
  Proposals proposals;
  proposals.changed(delta("first"));
  EXPECT_EQ(proposals.clear(), std::set{kSa});
  proposals.changed(delta("first"));
  proposals.sent(7, proposals.due(kEpoch, {}).front());
  EXPECT_EQ(proposals.clear(), std::set{kSa});
  EXPECT_TRUE(proposals.idle());
}

TEST(Proposals, WhatWasVoidIsSaidAgain) {
  Proposals proposals;
  proposals.changed(delta("first"));
  proposals.sent(7, proposals.due(kEpoch, {}).front());
  proposals.delivered(7, false);
  EXPECT_EQ(proposals.due(Epoch{5}, {}), (std::vector<Entry>{{Epoch{5}, delta("first", 1)}}));
}

TEST(Proposals, AMoveWaitsUntilAllThatWasSaidHasArrived) {
  Proposals proposals;
  proposals.changed(delta("last words"));
  proposals.move(NodeId{2});
  const auto first = proposals.due(kEpoch, {});
  EXPECT_EQ(first, (std::vector<Entry>{{kEpoch, delta("last words", 1)}}));
  proposals.sent(7, first.front());
  EXPECT_TRUE(proposals.due(kEpoch, {}).empty());
  proposals.delivered(7, true);
  EXPECT_EQ(proposals.due(kEpoch, {}), (std::vector<Entry>{{kEpoch, Move{NodeId{2}}}}));
}

TEST(Proposals, AContextThatEndsOnItsWayIsTakenOutOfTheLogAfterwards) {
  Proposals proposals;
  proposals.changed(delta("short"));
  proposals.sent(7, proposals.due(kEpoch, {}).front());
  proposals.gone(kSa);
  proposals.delivered(7, true);
  EXPECT_EQ(proposals.due(kEpoch, {{kSa, delta("short", 1)}}), (std::vector<Entry>{{kEpoch, Gone{kSa}}}));
}

TEST(Proposals, WhatCharonLostIsNotSaidAgain) {
  Proposals proposals;
  proposals.changed(delta("lost"));
  proposals.sent(7, proposals.due(kEpoch, {}).front());
  proposals.forget_contexts();
  EXPECT_FALSE(proposals.concerns(kSa));
  EXPECT_FALSE(proposals.delivered(7, false));
  EXPECT_TRUE(proposals.idle());
}

}  // namespace
}  // namespace hasync::hasyncd
