// CHILD_SAs that replace each other: which is sent on, and when one is gone.
#include "vped/child_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hasync::vped {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Told = ChildTable::Told;

constexpr EspSpi kFirst{0x1001}, kSecond{0x1002}, kThird{0x1003};
const ChildTable::Time kStart = ChildTable::Time() + 1h;

Child child(EspSpi in, bool pending = false, std::uint32_t reqid = 1) {
  return {.name = "net",
          .reqid = reqid,
          .in = in,
          .out = EspSpi{in.value + 0x1000},
          .peer = Address::v4(192, 0, 2, 2),
          .peer_port = 4510,
          .pending = pending};
}

TEST(ChildTable, TheOnlyOneSendsAtOnceEvenIfItIsPending) {
  ChildTable table;
  EXPECT_EQ(table.told(child(kFirst, true), kStart), Told::New);
  EXPECT_THAT(table.senders(kStart), ElementsAre(kFirst));
}

TEST(ChildTable, AsInitiatorOfARekeyTheNewOneSendsWhenItIsSettled) {
  ChildTable table;
  table.told(child(kFirst), kStart);
  const auto rekeyed = kStart + 1h;
  table.told(child(kSecond, true), rekeyed);
  table.told(child(kSecond, false), rekeyed + 1ms);  // charon sends on it at once
  EXPECT_THAT(table.senders(rekeyed + 999ms), ElementsAre(kFirst));
  EXPECT_EQ(table.next(rekeyed + 1ms), rekeyed + ChildTable::kSettled);
  EXPECT_THAT(table.senders(rekeyed + 1s), ElementsAre(kSecond));
  EXPECT_TRUE(table.gone(kFirst));
  EXPECT_THAT(table.senders(rekeyed + 5s), ElementsAre(kSecond));
}

TEST(ChildTable, AsResponderItSendsOnlyWhenTheOldOneIsDeleted) {
  ChildTable table;
  table.told(child(kFirst), kStart);
  table.told(child(kSecond, true), kStart);
  EXPECT_THAT(table.senders(kStart + 1h), ElementsAre(kFirst)) << "the peer may still wait for the answer";
  EXPECT_EQ(table.told(child(kSecond, false), kStart + 1h), Told::Known);
  EXPECT_THAT(table.senders(kStart + 1h), ElementsAre(kSecond));
}

TEST(ChildTable, WhatIsLeftSendsWhateverIsMissing) {
  ChildTable table;
  table.told(child(kFirst), kStart);
  table.told(child(kSecond, true), kStart);
  table.gone(kFirst);
  EXPECT_THAT(table.senders(kStart), ElementsAre(kSecond));
  EXPECT_FALSE(table.gone(kFirst));
}

TEST(ChildTable, OfARekeyOfBothSidesTheLoserGoes) {
  ChildTable table;
  table.told(child(kFirst), kStart);
  table.told(child(kSecond, true), kStart);
  table.told(child(kThird, false), kStart);
  EXPECT_THAT(table.senders(kStart + 1s), ElementsAre(kThird));
  table.gone(kSecond);
  table.gone(kFirst);
  EXPECT_THAT(table.senders(kStart + 1s), ElementsAre(kThird));
}

TEST(ChildTable, OthersSendBesideIt) {
  ChildTable table;
  table.told(child(kFirst, false, 1), kStart);
  table.told(child(kSecond, false, 2), kStart);
  EXPECT_THAT(table.senders(kStart), UnorderedElementsAre(kFirst, kSecond));
}

TEST(ChildTable, ThePeerMayMove) {
  ChildTable table;
  table.told(child(kFirst), kStart);
  Child moved = child(kFirst);
  moved.peer = Address::v4(192, 0, 2, 3);
  EXPECT_EQ(table.told(moved, kStart), Told::Moved);
  EXPECT_EQ(table.at(kFirst).peer, moved.peer);
  moved.peer_port = 4511;
  EXPECT_EQ(table.told(moved, kStart), Told::Moved);
  EXPECT_EQ(table.told(moved, kStart), Told::Known);
}

TEST(ChildTable, AfterAskingAnewWhatIsNotToldIsGone) {
  ChildTable table;
  table.told(child(kFirst), kStart);
  table.told(child(kSecond, false, 2), kStart);
  table.ask();
  EXPECT_THAT(table.senders(kStart), UnorderedElementsAre(kFirst, kSecond)) << "traffic goes on meanwhile";
  EXPECT_EQ(table.told(child(kSecond, false, 2), kStart + 1s), Told::Known);
  EXPECT_EQ(table.told(child(kThird, false, 3), kStart + 1s), Told::New);
  EXPECT_THAT(table.synced(), ElementsAre(kFirst));
  EXPECT_EQ(table.size(), 2U);
  EXPECT_THAT(table.synced(), IsEmpty());
}

TEST(ChildTable, ALifetimeEndsWithoutCharon) {
  ChildTable table;
  Child limited = child(kFirst);
  limited.delete_in = 60s;
  table.told(limited, kStart);
  EXPECT_THAT(table.expired(kStart + 59s), IsEmpty());
  EXPECT_EQ(table.next(kStart + 30s), kStart + 60s);
  limited.delete_in = 30s;  // told again
  table.told(limited, kStart + 59s);
  EXPECT_THAT(table.expired(kStart + 88s), IsEmpty());
  EXPECT_THAT(table.expired(kStart + 89s), ElementsAre(kFirst));
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.next(kStart + 89s), std::nullopt);
}

// The same incarnation under the same key would repeat IVs.
TEST(ChildTable, WhatHasExpiredIsNotCarriedAgainUnlessAnotherIncarnationComes) {
  ChildTable table;
  Child limited = child(kFirst);
  limited.delete_in = 60s;
  table.told(limited, kStart);
  table.expired(kStart + 60s);
  EXPECT_EQ(table.told(limited, kStart + 61s), Told::Over);
  EXPECT_EQ(table.size(), 0U);
  table.ask();
  EXPECT_EQ(table.told(limited, kStart + 62s), Told::New);
  table.expired(kStart + 200s);
  table.gone(kFirst);  // and its key with it
  EXPECT_EQ(table.told(limited, kStart + 201s), Told::New);
}

using Shared = ChildTable::Shared;

// One of a cluster that was sent on, and whose lifetime is over.
Child use_up(ChildTable& table) {
  Child limited = child(kFirst);
  limited.delete_in = 60s;
  table.told(limited, kStart, true);
  table.share(kFirst);
  EXPECT_THAT(table.expired(kStart + 60s), ElementsAre(kFirst));
  return limited;
}

TEST(ChildTable, OneOfAClusterIsSentOnOnlyWithAShare) {
  ChildTable table;
  EXPECT_EQ(table.told(child(kFirst), kStart, true), Told::New);
  EXPECT_THAT(table.senders(kStart + 1h), IsEmpty());
  EXPECT_EQ(table.share(kFirst), Shared::Taken);
  EXPECT_THAT(table.senders(kStart + 1h), ElementsAre(kFirst));
  EXPECT_EQ(table.share(kFirst), Shared::Kept) << "its counter stands somewhere";
}

TEST(ChildTable, ARekeyedOneOfAClusterIsSentOnUntilItsSuccessorHasAShare) {
  ChildTable table;
  table.told(child(kFirst), kStart, true);
  table.share(kFirst);
  table.told(child(kSecond), kStart, true);
  EXPECT_THAT(table.senders(kStart + 1h), ElementsAre(kFirst));
  table.share(kSecond);
  EXPECT_THAT(table.senders(kStart + 1h), ElementsAre(kSecond));
}

// charon had let it go, and the log still has the same share for this session.
TEST(ChildTable, AShareIsTakenOnceThoughTheChildSaGoesAndComesBack) {
  ChildTable table;
  table.told(child(kFirst), kStart, true);
  table.share(kFirst);
  EXPECT_TRUE(table.gone(kFirst));
  EXPECT_EQ(table.told(child(kFirst), kStart, true), Told::New);
  EXPECT_EQ(table.share(kFirst), Shared::Used);
  EXPECT_THAT(table.senders(kStart + 1h), IsEmpty()) << "but it is received on";
  table.ask();  // another session, so other shares
  table.told(child(kFirst), kStart, true);
  EXPECT_EQ(table.share(kFirst), Shared::Taken);
}

// Its lifetime was over here before charon let it go, and another node's context brought it back.
TEST(ChildTable, AShareIsTakenOnceThoughTheChildSaHadExpired) {
  ChildTable table;
  const Child limited = use_up(table);
  EXPECT_FALSE(table.gone(kFirst));
  table.told(limited, kStart + 61s, true);
  EXPECT_EQ(table.share(kFirst), Shared::Used);
}

TEST(ChildTable, OneThatHadNoShareMayHaveOneWhenItComesBack) {
  ChildTable table;
  table.told(child(kFirst), kStart, true);
  table.gone(kFirst);
  table.told(child(kFirst), kStart, true);
  EXPECT_EQ(table.share(kFirst), Shared::Taken);
}

TEST(ChildTable, AUsedShareIsForgottenLongAfterItsKey) {
  ChildTable table;
  const Child limited = use_up(table);
  table.expired(kStart + 23h);
  table.told(limited, kStart + 23h, true);
  EXPECT_EQ(table.share(kFirst), Shared::Used);
  table.gone(kFirst);
  table.expired(kStart + 24h + 60s);
  table.told(limited, kStart + 25h, true);
  EXPECT_EQ(table.share(kFirst), Shared::Taken) << "another SA with this SPI";
}

}  // namespace
}  // namespace hasync::vped
