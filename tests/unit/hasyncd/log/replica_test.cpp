#include "hasyncd/log/replica.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

constexpr Process kOne{NodeId{1}, Incarnation{10}};
constexpr Process kTwo{NodeId{2}, Incarnation{20}};
constexpr Process kThree{NodeId{3}, Incarnation{30}};
constexpr SaId kTunnel{0xaaaa, 0xbbbb};
constexpr std::uint64_t kLease = 1000;

OutboundKey key(std::uint32_t spi, std::uint8_t host = 10) {
  return {Address::v4(192, 0, 2, host), EspSpi{spi}};
}

Install founded() {
  return {Epoch{1}, {{kOne, true, false}, {kTwo, true, false}, {kThree, false, false}}, kNobody};
}

Delta context(std::uint64_t version, std::vector<OutboundSa> outbound, SaId sa = kTunnel) {
  return {sa, version, Address::v4(192, 0, 2, 10), std::move(outbound), "sealed"};
}

// Node 2's replica, in an epoch that node 1 owns.
class ReplicaTest : public testing::Test {
 protected:
  ReplicaTest() { replica_.install(founded()); }

  Changes say(decltype(Entry::body) body, Process from = kOne, Epoch epoch = Epoch{1}) {
    return replica_.apply(from, ++number_, {epoch, std::move(body)});
  }
  LeaseState lease(const OutboundKey& of) const { return replica_.leases().at(of); }

  Replica replica_{kTwo, kLease};
  std::uint64_t number_ = 0;
};

TEST_F(ReplicaTest, AnEmptyBeginningIsOwnedByTheLowestGateway) {
  EXPECT_EQ(replica_.owner(), kOne);
  EXPECT_TRUE(replica_.current());
  EXPECT_EQ(replica_.mark().index, kBeginning);
}

TEST_F(ReplicaTest, ANewSaIsLeasedBehindWhatItHasUsed) {
  const Changes changes = say(context(1, {{key(7), false, 41}}));
  EXPECT_EQ(changes.upserted, std::vector{kTunnel});
  EXPECT_EQ(changes.leased, std::vector{key(7)});
  EXPECT_EQ(lease(key(7)).floor, 42U);
  EXPECT_EQ(lease(key(7)).end, 42U + kLease);
}

TEST_F(ReplicaTest, AGrantOnlyEverExtends) {
  say(context(1, {{key(7), false, 0}}));
  EXPECT_EQ(say(Grant{{{key(7), 5000}}}).leased, std::vector{key(7)});
  EXPECT_TRUE(say(Grant{{{key(7), 4000}}}).leased.empty());
  EXPECT_EQ(lease(key(7)).end, 5000U);
}

TEST_F(ReplicaTest, WhatHasLeftIsRememberedWhoeverOwnsAndUnderWhateverAddress) {
  say(context(1, {{key(7), true, 0}}));
  EXPECT_EQ(lease(key(7)).left, 0U);
  say(Grant{{{key(7), 5000, 700}}});
  say(Grant{{{key(7), 6000, 600}}});
  EXPECT_EQ(lease(key(7)).left, 700U);
  say(Move{NodeId{2}});
  EXPECT_EQ(lease(key(7)).left, 700U);
  say(context(2, {{key(7, 11), true, 0}}), kTwo);
  EXPECT_EQ(lease(key(7, 11)).left, 700U);
  const auto parts = replica_.snapshot();
  EXPECT_EQ(parts.front().sas.front().leases.front().left, 700U);
}

TEST_F(ReplicaTest, WhoIsNotTheOwnerChangesNothing) {
  const Changes changes = say(context(1, {{key(7), false, 0}}), kTwo);
  EXPECT_TRUE(changes.counted);
  EXPECT_TRUE(changes.refused);
  EXPECT_TRUE(replica_.contexts().empty());
}

TEST_F(ReplicaTest, AnEntryOfAnotherEpochIsVoid) {
  const StateMark before = replica_.mark();
  EXPECT_FALSE(say(context(1, {}), kOne, Epoch{2}).counted);
  EXPECT_EQ(replica_.mark(), before);
}

TEST_F(ReplicaTest, AnEntryOfANodeOutsideTheEpochIsVoid) {
  EXPECT_FALSE(say(context(1, {}), {NodeId{9}, Incarnation{90}}).counted);
}

TEST_F(ReplicaTest, AMoveToNobodyToAWitnessOrToTheOwnerIsRefused) {
  for (const NodeId to : {NodeId{9}, NodeId{3}, NodeId{1}}) EXPECT_TRUE(say(Move{to}).refused);
  EXPECT_EQ(replica_.owner(), kOne);
}

TEST_F(ReplicaTest, WhereNoGatewayIsLeftNobodyOwns) {
  replica_.install({Epoch{2}, {{kTwo, false, false}, {kThree, false, false}}, NodeId{2}});
  EXPECT_EQ(replica_.owner(), Process{});
}

TEST_F(ReplicaTest, ANodeThatIsNoMemberHasNoState) {
  replica_.install({Epoch{2}, {{kOne, true, false}, {kThree, false, false}}, NodeId{1}});
  EXPECT_FALSE(replica_.current());
}

TEST_F(ReplicaTest, ASnapshotOfAnEarlierEpochIsNotTaken) {
  Replica sender{kOne, kLease};
  sender.install(founded());
  const std::vector<Snapshot> old = sender.snapshot();
  replica_.install({Epoch{2}, {{kOne, true, false}, {kTwo, true, true}, {kThree, false, false}}, NodeId{1}});
  ASSERT_FALSE(replica_.current());
  EXPECT_FALSE(replica_.take(NodeId{1}, old.front()).counted);
  EXPECT_FALSE(replica_.current());
}

TEST_F(ReplicaTest, ALargeStateGoesOutInPartsAndComesInAsItWas) {
  for (std::uint32_t i = 0; i < kMaxSnapshotSas + 2; ++i)
    say(context(1, {{key(1000 + i), false, 0}}, SaId{i + 1, 1}));
  say(Grant{{{key(1000), kNumbers32}}});  // all its numbers
  for (std::uint32_t i = 0; i < kMaxSnapshotEnded + 2; ++i) {
    const SaId sa{i + 1, 2};
    say(context(1, {{key(1000000 + i), false, 0}}, sa));
    say(Gone{sa});
  }
  const std::vector<Snapshot> parts = replica_.snapshot();
  EXPECT_GE(parts.size(), 4U);

  Replica joining{kThree, kLease};
  joining.install({Epoch{1}, {{kOne, true, false}, {kTwo, true, false}, {kThree, false, true}}, NodeId{2}});
  for (const Snapshot& part : parts) joining.take(NodeId{2}, part);
  EXPECT_TRUE(joining.current());
  EXPECT_EQ(joining.contexts(), replica_.contexts());
  EXPECT_EQ(joining.leases().at(key(1000)).floor, kNumbers32);
}

TEST_F(ReplicaTest, AnOlderVersionIsRefused) {
  say(context(2, {{key(7), false, 0}}));
  EXPECT_TRUE(say(context(2, {})).refused);
  EXPECT_EQ(replica_.leases().size(), 1U);
}

TEST_F(ReplicaTest, AnIkeRekeyHandsItsChildrenOnWithTheirLeases) {
  constexpr SaId kSuccessor{0xcccc, 0xdddd};
  say(context(1, {{key(7), false, 0}}));
  say(Grant{{{key(7), 9000}}});
  say(context(1, {{key(7), false, 500}}, kSuccessor));
  const Changes gone = say(Gone{kTunnel});
  EXPECT_EQ(gone.gone, std::vector{kTunnel});
  EXPECT_TRUE(gone.unleased.empty());
  EXPECT_EQ(lease(key(7)).end, 9000U);
  EXPECT_EQ(lease(key(7)).sa, kSuccessor);
}

TEST_F(ReplicaTest, APeerThatMovesGoesOnBehindItsLease) {
  say(context(1, {{key(7), false, 0}}));
  const std::uint64_t end = lease(key(7)).end;
  say(context(2, {{key(7, 99), false, 3}}));
  EXPECT_GE(lease(key(7, 99)).floor, end);
  EXPECT_FALSE(replica_.leases().contains(key(7)));
}

TEST_F(ReplicaTest, WhoseAnSpiIsTheNewestLeaseSays) {
  constexpr SaId kSuccessor{0xcccc, 0xdddd};
  say(context(1, {{key(7), false, 0}}));
  EXPECT_EQ(replica_.newest_of(EspSpi{7}), kTunnel);
  say(context(1, {{key(7, 99), false, 0}}, kSuccessor));  // rekeyed, and at another address
  EXPECT_EQ(replica_.newest_of(EspSpi{7}), kSuccessor);
  EXPECT_EQ(replica_.newest_of(EspSpi{8}), std::nullopt);
}

TEST_F(ReplicaTest, AMoveGrantsEverySaTheNextLease) {
  say(context(1, {{key(7), false, 0}}));
  const std::uint64_t end = lease(key(7)).end;
  const Changes changes = say(Move{NodeId{2}});
  EXPECT_TRUE(changes.owner_changed);
  EXPECT_EQ(replica_.owner(), kTwo);
  EXPECT_EQ(lease(key(7)).floor, end);
  EXPECT_EQ(lease(key(7)).end, end + kLease);
}

TEST_F(ReplicaTest, WithoutEsnNoLeaseReachesBeyond32Bits) {
  say(context(1, {{key(7), false, kNumbers32 - 10}, {key(8), true, kNumbers32 - 10}}));
  EXPECT_EQ(lease(key(7)).end, kNumbers32);
  say(Grant{{{key(7), kNumbers32 + 5000}, {key(8), kNumbers32 + 5000}}});
  EXPECT_EQ(lease(key(7)).end, kNumbers32);
  EXPECT_EQ(lease(key(8)).end, kNumbers32 + 5000);
  say(Move{kTwo.node});
  EXPECT_EQ(lease(key(7)).floor, kNumbers32);
  EXPECT_EQ(lease(key(7)).end, kNumbers32);
}

TEST_F(ReplicaTest, AWitnessNeverOwns) {
  EXPECT_TRUE(say(Move{NodeId{3}}).refused);
  EXPECT_EQ(replica_.owner(), kOne);
}

// Rekeyed while the peer moved, and the owner died before the log had the old IKE_SA's end: one CHILD_SA, one
// key, two addresses.
class TwiceHere : public ReplicaTest {
 protected:
  TwiceHere() {
    say(context(1, {{kOld, false, 0}}));
    say(context(1, {{kNew, false, 41}}, kSuccessor));
  }
  void take_over(Epoch epoch, NodeId by) {
    replica_.install({epoch, {{by == NodeId{1} ? kOne : kTwo, true, false}, {kThree, false, false}}, by});
  }

  const SaId kSuccessor{0xcccc, 0xdddd};
  const OutboundKey kOld = key(7, 10);
  const OutboundKey kNew = key(7, 11);
};

TEST_F(TwiceHere, ATakeoverPutsBothBehindWhatEitherHasUsedAndApart) {
  const std::uint64_t used = lease(kNew).end;
  take_over(Epoch{2}, NodeId{2});
  EXPECT_EQ(lease(kOld).floor, used);
  EXPECT_EQ(lease(kNew).floor, lease(kOld).end);
  EXPECT_EQ(lease(kNew).end, lease(kNew).floor + kLease);
  EXPECT_EQ(replica_.newest_of(EspSpi{7}), kSuccessor);
}

TEST_F(TwiceHere, WhatIsLeftGoesOnBehindWhatWasDeleted) {
  say(Grant{{{kNew, 9000}}});
  const Changes changes = say(Gone{kSuccessor});
  EXPECT_EQ(changes.leased, std::vector{kOld});
  EXPECT_EQ(changes.upserted, std::vector{kTunnel}) << "the deleted one had taken its CHILD_SA in charon";
  EXPECT_EQ(lease(kOld).floor, 9000U);
  EXPECT_EQ(lease(kOld).end, 9000U + kLease);
}

TEST_F(TwiceHere, WhatIsLeftAndStandsBehindAlreadyStaysThere) {
  const LeaseState before = lease(kNew);
  EXPECT_TRUE(say(Gone{kTunnel}).leased.empty());
  EXPECT_EQ(lease(kNew), before);
}

TEST_F(ReplicaTest, AnOwnerThatIsGoneIsFollowedByAWholeGateway) {
  say(context(1, {{key(7), false, 0}}));
  const std::uint64_t end = lease(key(7)).end;
  const Changes changes =
      replica_.install({Epoch{2}, {{kTwo, true, false}, {kThree, false, false}}, NodeId{2}});
  EXPECT_TRUE(changes.owner_changed);
  EXPECT_EQ(replica_.owner(), kTwo);
  EXPECT_EQ(lease(key(7)).floor, end);
}

TEST_F(ReplicaTest, ARestartedOwnerIsAnotherProcess) {
  constexpr Process kAgain{NodeId{1}, Incarnation{11}};
  replica_.install(
      {Epoch{2}, {{kAgain, true, true}, {kTwo, true, false}, {kThree, false, false}}, NodeId{2}});
  EXPECT_EQ(replica_.owner(), kTwo);
}

TEST_F(ReplicaTest, TheSameEntriesGiveTheSameMarkAndAHoleDoesNot) {
  Replica other{kThree, kLease};
  other.install(founded());
  say(context(1, {}));
  say(context(2, {}));
  other.apply(kOne, 1, {Epoch{1}, context(1, {})});
  other.apply(kOne, 3, {Epoch{1}, context(3, {})});
  EXPECT_EQ(replica_.mark().index, other.mark().index);
  EXPECT_NE(replica_.mark().digest, other.mark().digest);
}

TEST_F(ReplicaTest, WhoLacksTheStateKeepsItsOwnUntilTheSnapshotIsThere) {
  say(context(1, {{key(7), false, 0}}));
  const StateMark before = replica_.mark();
  const Install later{Epoch{5}, {{kOne, true, false}, {kTwo, true, true}, {kThree, false, false}}, NodeId{1}};
  replica_.install(later);
  EXPECT_FALSE(replica_.current());
  EXPECT_EQ(replica_.mark(), before);
}

TEST_F(ReplicaTest, ASnapshotAndTheEntriesSinceGiveTheReferencesState) {
  Replica reference{kOne, kLease};
  reference.install(founded());
  reference.apply(kOne, 1, {Epoch{1}, context(1, {{key(7), false, 0}})});
  const Install later{Epoch{5}, {{kOne, true, false}, {kTwo, true, true}, {kThree, false, false}}, NodeId{1}};
  reference.install(later);
  replica_.install(later);
  const std::vector<Snapshot> parts = reference.snapshot();
  const Entry since{Epoch{5}, Grant{{{key(7), 7000}}}};
  reference.apply(kOne, 9, since);
  replica_.apply(kOne, 9, since);  // it waits for the snapshot
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_FALSE(replica_.take(NodeId{3}, parts[0]).became_whole);  // not the reference's
  EXPECT_TRUE(replica_.take(NodeId{1}, parts[0]).became_whole);
  EXPECT_EQ(replica_.mark(),
            (StateMark{Epoch{5}, reference.mark().index, reference.mark().digest, true, false}));
  EXPECT_EQ(lease(key(7)).end, 7000U);
  EXPECT_EQ(replica_.owner(), kOne);
}

}  // namespace
}  // namespace hasync::hasyncd
