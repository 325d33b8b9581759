// VPE's CHILD_SAs in the replicated state: no lease, a share for each gateway, and the same at every member.
#include <gtest/gtest.h>

#include "hasyncd/log/replica.h"

namespace hasync::hasyncd {
namespace {

using testing::Test;

constexpr Process kOne{NodeId{1}, Incarnation{10}}, kTwo{NodeId{2}, Incarnation{20}};
constexpr Process kWitness{NodeId{3}, Incarnation{30}};
constexpr SaId kFirst{1, 1}, kSuccessor{2, 2};
constexpr std::uint64_t kLease = 100;

OutboundSa child(std::uint32_t spi, bool vpe = true, bool old = false) {
  return {{Address::v4(192, 0, 2, 10), EspSpi{spi}}, true, 0, EspSpi{spi + 1000}, vpe, old};
}

Install install(std::uint64_t epoch, NodeId reference, bool two_is_needy = false) {
  return {
      Epoch{epoch}, {{kOne, true, false}, {kTwo, true, two_is_needy}, {kWitness, false, false}}, reference};
}

struct VpeReplica : Test {
  VpeReplica() { replica_.install(install(epoch_, kNobody)); }

  Changes say(Process from, std::variant<Delta, Gone, Grant, Move, VpeBegin> body) {
    return replica_.apply(from, ++number_, {Epoch{epoch_}, std::move(body)});
  }
  Changes has(SaId sa, std::vector<OutboundSa> outbound) {
    return say(replica_.owner(),
               Delta{sa, ++version_, Address::v4(192, 0, 2, 10), std::move(outbound), "sealed"});
  }
  std::optional<vpe::Place> share(Process of, std::uint64_t session, std::uint32_t spi = 7) const {
    return replica_.vpe().share(EspSpi{spi}, of.node, session);
  }

  Replica replica_{kOne, kLease};
  std::uint64_t epoch_ = 1, number_ = 0, version_ = 0;
};

TEST_F(VpeReplica, HasNoLeaseAndASharesForEachVpedWhoeverOwns) {
  say(kTwo, VpeBegin{22});
  const Changes changes = has(kFirst, {child(7), child(8, false)});
  EXPECT_EQ(changes.shared, std::vector{EspSpi{7}});
  EXPECT_EQ(changes.leased, std::vector{child(8).key});
  EXPECT_EQ(replica_.leases().size(), 1U);
  EXPECT_EQ(say(kOne, VpeBegin{11}).shared, std::vector{EspSpi{7}});
  EXPECT_EQ(share(kTwo, 22), (vpe::Place{0, 0}));
  EXPECT_EQ(share(kOne, 11), (vpe::Place{1, 0}));
}

TEST_F(VpeReplica, AChangeOfOwnerChangesNoShare) {
  say(kOne, VpeBegin{11});
  say(kTwo, VpeBegin{22});
  has(kFirst, {child(7)});
  const Changes moved = say(kOne, Move{kTwo.node});
  EXPECT_TRUE(moved.owner_changed);
  EXPECT_TRUE(moved.shared.empty());
  EXPECT_TRUE(moved.leased.empty());
  EXPECT_EQ(share(kTwo, 22), (vpe::Place{1, 0}));
}

TEST_F(VpeReplica, AWitnessHasNoVped) {
  EXPECT_TRUE(say(kWitness, VpeBegin{33}).refused);
  EXPECT_TRUE(replica_.vpe().nodes().empty());
}

TEST_F(VpeReplica, OnlyAVpedsBeginningMayComeFromOthersThanTheOwner) {
  EXPECT_TRUE(say(kTwo, Delta{kFirst, 1, Address::v4(192, 0, 2, 10), {child(7)}, "sealed"}).refused);
  EXPECT_FALSE(say(kTwo, VpeBegin{22}).refused);
}

TEST_F(VpeReplica, AnIkeRekeyHandsTheSaOnAndItsSharesStay) {
  say(kOne, VpeBegin{11});
  has(kFirst, {child(7)});
  say(kOne, VpeBegin{12});
  EXPECT_EQ(has(kSuccessor, {child(7)}).shared, std::vector{EspSpi{7}})
      << "it is somewhere else in charon now";
  EXPECT_TRUE(has(kSuccessor, {child(7)}).shared.empty());
  EXPECT_EQ(replica_.newest_of(EspSpi{7}), kSuccessor);
  say(kOne, Gone{kFirst});
  EXPECT_EQ(share(kOne, 12), (vpe::Place{0, 1}));
}

TEST_F(VpeReplica, WhatHasEndedAndIsNamedAgainIsOfUnknownPast) {
  say(kOne, VpeBegin{11});
  has(kFirst, {child(7)});
  has(kFirst, {child(8)});
  EXPECT_EQ(share(kOne, 11), std::nullopt);
  has(kFirst, {child(7), child(8)});
  EXPECT_EQ(share(kOne, 11), std::nullopt);
  EXPECT_TRUE(replica_.vpe().wants_rekey(EspSpi{7}));
  EXPECT_EQ(share(kOne, 11, 8), (vpe::Place{0, 0}));

  say(kOne, Gone{kFirst});
  EXPECT_TRUE(replica_.vpe().empty());
  has(kSuccessor, {child(8)});
  EXPECT_EQ(share(kOne, 11, 8), std::nullopt);
}

TEST_F(VpeReplica, AnEspSaOfAnotherPeerWithTheSameSpiKeepsItsLease) {
  OutboundSa esp = child(7, false);
  esp.key.address = Address::v4(192, 0, 2, 99);
  has(kFirst, {esp});
  has(kSuccessor, {child(7)});
  say(kOne, Gone{kFirst});
  EXPECT_TRUE(replica_.leases().empty()) << "the heir of a lease is never VPE";
}

TEST_F(VpeReplica, AnotherMemberTakesThemFromASnapshot) {
  say(kOne, VpeBegin{11});
  say(kTwo, VpeBegin{22});
  has(kFirst, {child(7)});
  has(kSuccessor, {child(7), child(9, true, true)});
  say(kTwo, VpeBegin{23});
  replica_.install(install(2, kOne.node, true));

  Replica other(kTwo, kLease);
  other.install(install(2, kOne.node, true));
  Changes changes;
  for (const Snapshot& part : replica_.snapshot()) changes = other.take(kOne.node, part);
  ASSERT_TRUE(changes.became_whole);
  EXPECT_EQ(changes.shared, (std::vector{EspSpi{7}, EspSpi{9}}));
  EXPECT_EQ(other.vpe().share(EspSpi{7}, kTwo.node, 23), (vpe::Place{1, 1}));
  EXPECT_EQ(other.vpe().share(EspSpi{7}, kOne.node, 11), (vpe::Place{0, 0}));
  EXPECT_EQ(other.vpe().share(EspSpi{9}, kOne.node, 11), std::nullopt);
  EXPECT_EQ(other.vpe().holder(EspSpi{7}), kSuccessor);
  EXPECT_EQ(other.snapshot(), replica_.snapshot());
}

TEST_F(VpeReplica, AStateThatBeginsEmptyKnowsNoPlace) {
  say(kOne, VpeBegin{11});
  has(kFirst, {child(7)});
  replica_.install(install(2, kNobody));
  EXPECT_TRUE(replica_.vpe().empty());
  EXPECT_TRUE(replica_.vpe().nodes().empty());
}

}  // namespace
}  // namespace hasync::hasyncd
