// Under one key, each incarnation of a place is given out once, whatever begins, comes back or ends.
#include "hasyncd/log/vpe_shares.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

constexpr NodeId kOne{1}, kTwo{2};
constexpr SaId kFirst{1, 1}, kSecond{2, 2};
constexpr EspSpi kSpi{0x1001}, kOther{0x1002};

std::optional<vpe::Place> place(std::uint8_t node, std::uint8_t incarnation) {
  return vpe::Place{node, incarnation};
}

TEST(VpeShares, ANewSaGivesEachVpedThatIsThereItsFirstIncarnation) {
  VpeShares shares;
  shares.begin(kTwo, 22);
  shares.begin(kOne, 11);
  EXPECT_TRUE(shares.hold(kSpi, kFirst, false));
  EXPECT_EQ(shares.share(kSpi, kTwo, 22), place(0, 0)) << "places in the order in which vpeds have begun";
  EXPECT_EQ(shares.share(kSpi, kOne, 11), place(1, 0));
}

TEST(VpeShares, WhoBeginsTakesTheNextIncarnationOfEachSa) {
  VpeShares shares;
  shares.begin(kOne, 11);
  shares.hold(kSpi, kFirst, false);
  shares.begin(kTwo, 22);
  shares.begin(kOne, 12);
  EXPECT_EQ(shares.share(kSpi, kOne, 12), place(0, 1));
  EXPECT_EQ(shares.share(kSpi, kTwo, 22), place(1, 0));
  shares.hold(kOther, kFirst, false);
  EXPECT_EQ(shares.share(kOther, kOne, 12), place(0, 0)) << "another key";
}

TEST(VpeShares, AnEarlierSessionHasNothing) {
  VpeShares shares;
  shares.begin(kOne, 11);
  shares.hold(kSpi, kFirst, false);
  shares.begin(kOne, 12);
  EXPECT_EQ(shares.share(kSpi, kOne, 11), std::nullopt);
  EXPECT_EQ(shares.share(kSpi, kOne, 0), std::nullopt);
  EXPECT_EQ(shares.share(kSpi, kTwo, 12), std::nullopt);
  EXPECT_EQ(shares.share(kOther, kOne, 12), std::nullopt);
}

TEST(VpeShares, WhatIsSaidTwiceBeginsOnce) {
  VpeShares shares;
  shares.hold(kSpi, kFirst, false);
  EXPECT_TRUE(shares.begin(kOne, 11));
  EXPECT_TRUE(shares.begin(kOne, 11));
  EXPECT_EQ(shares.share(kSpi, kOne, 11), place(0, 0));
  EXPECT_FALSE(shares.hold(kSpi, kFirst, true)) << "its past is known here";
  EXPECT_EQ(shares.share(kSpi, kOne, 11), place(0, 0));
}

TEST(VpeShares, AreSpentAfterTheLastIncarnationAndStaySo) {
  VpeShares shares;
  shares.hold(kSpi, kFirst, false);
  for (std::uint64_t session = 1; session <= vpe::kIncarnations; ++session) {
    EXPECT_EQ(shares.wants_rekey(kSpi), session > vpe::kRekeyAt) << session;
    shares.begin(kOne, session);
    EXPECT_EQ(shares.share(kSpi, kOne, session), place(0, static_cast<std::uint8_t>(session - 1)));
  }
  for (std::uint64_t session = 100; session < 400; ++session) {
    shares.begin(kOne, session);
    ASSERT_EQ(shares.share(kSpi, kOne, session), std::nullopt) << session;
  }
  EXPECT_TRUE(shares.wants_rekey(kSpi));
}

TEST(VpeShares, NobodyGetsAShareOfAnSaWhosePastIsNotKnown) {
  VpeShares shares;
  shares.begin(kOne, 11);
  shares.hold(kSpi, kFirst, true);
  shares.begin(kTwo, 22);
  EXPECT_EQ(shares.share(kSpi, kOne, 11), std::nullopt);
  EXPECT_EQ(shares.share(kSpi, kTwo, 22), std::nullopt);
  EXPECT_TRUE(shares.wants_rekey(kSpi));
}

TEST(VpeShares, ASeventeenthNodeGetsNoPlace) {
  VpeShares shares;
  shares.hold(kSpi, kFirst, false);
  for (std::uint32_t node = 1; node <= vpe::kNodes; ++node) EXPECT_TRUE(shares.begin(NodeId{node}, node));
  EXPECT_FALSE(shares.begin(NodeId{17}, 17));
  EXPECT_EQ(shares.share(kSpi, NodeId{17}, 17), std::nullopt);
  EXPECT_EQ(shares.share(kSpi, NodeId{16}, 16), place(15, 0));
  EXPECT_TRUE(shares.begin(NodeId{16}, 160)) << "it has one";
}

TEST(VpeShares, AnSaLastsAsLongAsAContextNamesIt) {
  VpeShares shares;
  shares.begin(kOne, 11);
  shares.hold(kSpi, kFirst, false);
  shares.hold(kSpi, kSecond, false);  // an IKE rekey hands it on
  EXPECT_EQ(shares.holder(kSpi), kSecond);
  EXPECT_FALSE(shares.let_go(kSpi, kSecond));
  EXPECT_EQ(shares.holder(kSpi), kFirst);
  EXPECT_TRUE(shares.let_go(kSpi, kFirst));
  EXPECT_FALSE(shares.contains(kSpi));
  EXPECT_FALSE(shares.let_go(kSpi, kFirst));
}

TEST(VpeShares, AnotherMemberAdoptsThem) {
  VpeShares shares, copy;
  shares.begin(kTwo, 21);
  shares.hold(kSpi, kFirst, false);
  shares.begin(kTwo, 22);
  shares.hold(kOther, kFirst, true);
  for (const auto& [id, node] : shares.nodes()) copy.adopt(node);
  copy.adopt(kSpi, kFirst);
  EXPECT_EQ(copy.share(kSpi, kTwo, 22), std::nullopt) << "before it is known what is taken";
  for (const EspSpi spi : shares.all()) copy.adopt(shares.taken(spi), kFirst);
  EXPECT_EQ(copy.share(kSpi, kTwo, 22), place(0, 1));
  EXPECT_EQ(copy.share(kOther, kTwo, 22), std::nullopt);
  EXPECT_EQ(copy.session(kTwo), 22U);
  EXPECT_EQ(copy.session(kOne), 0U);
}

}  // namespace
}  // namespace hasync::hasyncd
