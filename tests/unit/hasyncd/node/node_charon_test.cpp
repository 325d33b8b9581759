// What an owner makes of what its charon says while requests to it are under way.
#include <gtest/gtest.h>

#include "tests/unit/hasyncd/node/node_table.h"

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

constexpr SaId kTunnel{0xaaaa, 0xbbbb};
constexpr SaId kSuccessor{0xcccc, 0xdddd};
const Address kPeer = Address::v4(192, 0, 2, 10);

ContextReport context(SaId sa, std::uint64_t number) {
  return {sa, kPeer, {{{kPeer, EspSpi{7}}, false, 0}}, "sealed", true, number};
}

std::vector<PutContext> puts_in(const Actions& actions) {
  std::vector<PutContext> out;
  for (const Action& action : actions) {
    if (const auto* put = std::get_if<PutContext>(&action)) out.push_back(*put);
  }
  return out;
}

std::vector<SaId> put_in(const Actions& actions) {
  std::vector<SaId> out;
  for (const PutContext& put : puts_in(actions)) out.push_back(put.sa);
  return out;
}

class OwnersCharon : public testing::Test {
 protected:
  // Owner by the log, and waiting: there it keeps what it owns though charon was gone for a moment.
  OwnersCharon() {
    table_.pass(milliseconds{20});
    says(context(kTunnel, 1));
    table_.do_(table_.node_.on_charon_lost(table_.now_));
    table_.do_(table_.node_.on_charon_synced(table_.now_));
    early_ = count<PutContext>(table_.seen_);
    table_.pass(milliseconds{10});
    putting_ = count<PutContext>(table_.seen_) == 1 && table_.node_.role() == Role::Taking;
  }

  void says(const ContextReport& report) { table_.do_(table_.node_.on_charon(report, table_.now_)); }
  bool logged(SaId sa) const { return table_.node_.replica().contexts().contains(sa); }
  bool asked_to_release(SaId sa) const {
    return std::ranges::any_of(table_.seen_, [sa](const Action& action) {
      const auto* release = std::get_if<ReleaseContexts>(&action);
      return release != nullptr && release->sas == std::vector{sa};
    });
  }
  bool discarded(std::uint64_t number) const {
    return std::ranges::count(table_.seen_, Action{DiscardOutput{number, number}}) == 1;
  }
  Table table_{false};
  std::size_t early_ = 0;  // PUTs that were asked for before the others had the context
  bool putting_ = false;   // charon is asked to put the log's context, and goes on with its own until it has
};

TEST_F(OwnersCharon, WhatIsRekeyedOutOfAContextThatIsBeingPutIsReleased) {
  ASSERT_TRUE(putting_);
  says(context(kSuccessor, 1));
  EXPECT_FALSE(logged(kSuccessor));
  EXPECT_TRUE(asked_to_release(kSuccessor));
  EXPECT_TRUE(discarded(1));
}

TEST_F(OwnersCharon, WhatIsRekeyedOutOfOneThatIsBeingReleasedIsReleased) {
  ASSERT_TRUE(putting_);
  constexpr SaId third{0xeeee, 0xffff};
  const ContextReport report{third, kPeer, {{{kPeer, EspSpi{9}}, false, 0}}, "sealed", true, 2, kSuccessor};
  says(context(kSuccessor, 1));
  says(report);
  EXPECT_FALSE(logged(third));
  EXPECT_TRUE(asked_to_release(third));
  EXPECT_TRUE(discarded(2));
}

TEST_F(OwnersCharon, WhatTheLogCouldStillLoseIsNotPutToBeRepeatedToThePeer) {
  EXPECT_EQ(early_, 0U);
  EXPECT_TRUE(putting_);
}

// An owner whose charon comes back while entries are under way.
class OwnersNewConnection : public testing::Test {
 protected:
  OwnersNewConnection() { table_.pass(milliseconds{20}); }

  void says(std::uint64_t number, const std::string& sealed) {
    ContextReport report = context(kTunnel, number);
    report.sealed = sealed;
    table_.do_(table_.node_.on_charon(std::move(report), table_.now_));
  }
  // Said to the ring, and not come back yet.
  RingMessage under_way(std::uint64_t number, const std::string& sealed) {
    table_.deaf_ = true;
    says(number, sealed);
    table_.deaf_ = false;
    return last_said();
  }
  RingMessage last_said() const {
    const auto sent = std::find_if(table_.seen_.rbegin(), table_.seen_.rend(), [](const Action& action) {
      const auto* ring = std::get_if<SendRing>(&action);
      return ring != nullptr && std::holds_alternative<Entry>(ring->message.body);
    });
    return std::get<SendRing>(*sent).message;
  }
  void arrives(const RingMessage& message) {
    table_.do_(table_.node_.on_ring(kSelf.node, message, table_.now_));
  }
  std::vector<PutContext> asked() const { return puts_in(table_.seen_); }
  void charon_lost() { table_.do_(table_.node_.on_charon_lost(table_.now_)); }
  void charon_synced() { table_.do_(table_.node_.on_charon_synced(table_.now_)); }
  bool discarded(std::uint64_t number) const {
    return std::ranges::count(table_.seen_, Action{DiscardOutput{number, number}}) == 1;
  }
  Table table_{false};
};

TEST_F(OwnersNewConnection, NothingIsPutInPlaceOfWhatItHasToldSince) {
  const RingMessage first = under_way(1, "first");
  charon_lost();
  table_.deaf_ = true;
  says(1, "second");
  charon_synced();
  table_.deaf_ = false;
  table_.seen_.clear();
  arrives(first);
  ASSERT_TRUE(table_.node_.replica().contexts().contains(kTunnel));
  table_.pass(milliseconds{20});
  EXPECT_EQ(count<PutContext>(table_.seen_), 0U);
  EXPECT_EQ(std::ranges::count(table_.seen_, Action{SetActive{{kTunnel}, false}}), 0);
  EXPECT_EQ(table_.node_.held(kTunnel), std::optional{true});
}

TEST_F(OwnersNewConnection, WhatMayBeEndedByWhatIsUnderWayIsNotPut) {
  says(1, "first");
  table_.pass(milliseconds{10});
  table_.deaf_ = true;
  table_.do_(table_.node_.on_charon_gone(kTunnel, 2, table_.now_));
  table_.deaf_ = false;
  const RingMessage end = last_said();
  charon_lost();
  charon_synced();
  table_.pass(milliseconds{10});
  EXPECT_TRUE(asked().empty());
  arrives(end);
  table_.pass(milliseconds{10});
  EXPECT_FALSE(table_.node_.replica().contexts().contains(kTunnel));
  EXPECT_TRUE(asked().empty());
}

// RFC 4555: its peer is elsewhere, the IKE_SA is rekeyed, and the peer is back before the log knows any of
// it.
TEST_F(OwnersNewConnection, AChildSaThatIsBackUnderItsNextIkeSaPassesAgain) {
  says(1, "first");
  table_.pass(milliseconds{10});
  const OutboundKey key{kPeer, EspSpi{7}};
  const Address elsewhere = Address::v4(192, 0, 2, 11);
  const std::vector<OutboundSa> away{{{elsewhere, EspSpi{7}}, false, 0}};
  table_.deaf_ = true;
  table_.do_(table_.node_.on_charon({kTunnel, elsewhere, away, "away", true, 2}, table_.now_));
  table_.do_(table_.node_.on_charon({kSuccessor, elsewhere, away, "rekeyed", true, 3, kTunnel}, table_.now_));
  table_.seen_.clear();
  ContextReport back = context(kSuccessor, 4);
  back.replaces = kTunnel;
  table_.do_(table_.node_.on_charon(std::move(back), table_.now_));
  const auto raises = [&key](const Action& action) {
    const auto* set = std::get_if<SetNumbers>(&action);
    return set != nullptr && std::ranges::count(set->numbers, key, &OutboundNumber::key) == 1;
  };
  EXPECT_EQ(std::ranges::count_if(table_.seen_, raises), 1);
}

// RFC 7296, section 2.8: the log has the successor before it has the end of the rekeyed IKE_SA.
TEST_F(OwnersNewConnection, ARekeyedIkeSaIsPutBehindItsSuccessorAndWithoutWhatThatHas) {
  says(1, "first");
  ContextReport successor = context(kSuccessor, 2);
  successor.sealed = "second";
  table_.do_(table_.node_.on_charon(std::move(successor), table_.now_));
  charon_lost();
  charon_synced();
  table_.seen_.clear();
  table_.pass(milliseconds{20});
  const std::vector<PutContext> puts = asked();
  ASSERT_EQ(puts.size(), 2U);
  EXPECT_EQ(puts[0].sa, kSuccessor);
  EXPECT_TRUE(puts[0].handed_on.empty());
  EXPECT_EQ(puts[0].numbers.size(), 1U);
  EXPECT_EQ(puts[1].sa, kTunnel);
  EXPECT_EQ(puts[1].handed_on, std::vector{EspSpi{7}});
  EXPECT_TRUE(puts[1].numbers.empty());

  table_.seen_.clear();
  table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
  EXPECT_EQ(count<SetGate>(table_.seen_), 0U) << "its successor is on the way";
  table_.do_(table_.node_.on_put(kSuccessor, true, table_.now_));
  EXPECT_EQ(count<SetGate>(table_.seen_), 1U);
}

TEST_F(OwnersNewConnection, AnotherPeersChildSaWithTheSameSpiIsPutAsItIs) {
  says(1, "first");
  const Address elsewhere = Address::v4(192, 0, 2, 11);
  ContextReport other{kSuccessor, elsewhere, {{{elsewhere, EspSpi{7}}, false, 0, EspSpi{9}}},
                      "other",    true,      2};
  table_.do_(table_.node_.on_charon(std::move(other), table_.now_));
  charon_lost();
  charon_synced();
  table_.seen_.clear();
  table_.pass(milliseconds{20});
  ASSERT_EQ(asked().size(), 2U);
  for (const PutContext& put : asked()) EXPECT_TRUE(put.handed_on.empty());
}

TEST_F(OwnersNewConnection, APutThatWaitsIsOfTheNewestContextAndWaitsForThat) {
  says(1, "first");
  const RingMessage second = under_way(2, "second");
  charon_lost();
  charon_synced();
  const std::uint64_t first_at = table_.node_.replica().mark().index;
  arrives(second);
  EXPECT_EQ(table_.node_.replica().mark().index, first_at + 1);
  EXPECT_EQ(count<PutContext>(table_.seen_), 0U);
  table_.pass(milliseconds{10});
  const std::vector<PutContext> puts = asked();
  ASSERT_FALSE(puts.empty());
  EXPECT_EQ(puts[0].sealed, "second");
}

TEST_F(OwnersNewConnection, WhatItSaysOfAContextThatIsToBePutIsNoNewsOutOfTheLogEither) {
  says(1, "first");
  charon_lost();
  charon_synced();
  table_.do_(table_.node_.on_ring_lost(table_.now_));
  table_.do_(table_.node_.on_charon_gone(kTunnel, 5, table_.now_));
  EXPECT_TRUE(discarded(5));
  says(6, "older");
  EXPECT_TRUE(discarded(6));
}

TEST_F(OwnersCharon, WhatItSaysOfAnIkeSaBeforeItHasReleasedItStaysOutOfTheLog) {
  ASSERT_TRUE(putting_);
  says(context(kSuccessor, 1));
  ASSERT_TRUE(asked_to_release(kSuccessor));
  table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));  // nothing takes its CHILD_SA back any more

  says(context(kSuccessor, 2));
  EXPECT_FALSE(logged(kSuccessor));
  EXPECT_TRUE(discarded(2));
  table_.do_(table_.node_.on_charon_gone(kSuccessor, 3, table_.now_));
  EXPECT_TRUE(discarded(3));
  table_.do_(table_.node_.on_released({kSuccessor}, table_.now_));
  says(context(kSuccessor, 4));
  EXPECT_TRUE(logged(kSuccessor));
}

TEST_F(OwnersCharon, WhatItSaysOfAContextThatIsBeingPutIsToldToNobody) {
  ASSERT_TRUE(putting_);
  says(context(kTunnel, 2));
  EXPECT_TRUE(discarded(2));
}

TEST_F(OwnersCharon, WhatItHoldsWithoutTheLogIsTold) {
  EXPECT_EQ(table_.node_.held(kTunnel), std::nullopt);  // it is asked to put the log's
  table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
  EXPECT_EQ(table_.node_.held(kTunnel), std::optional{true});
  EXPECT_TRUE(table_.node_.unlogged({}, {}).empty());
  table_.deaf_ = true;  // what it says from here on is not in the log yet
  const SaId kLater{0xeeee, 0xffff};
  ContextReport later = context(kLater, 7);
  later.outbound.clear();
  says(later);
  EXPECT_EQ(table_.node_.held(kLater), std::optional{true});
  EXPECT_EQ(table_.node_.unlogged({}, {}), std::vector{kLater});
  EXPECT_EQ(table_.node_.unlogged(kTunnel, kLater), std::vector{kLater});
  EXPECT_TRUE(table_.node_.unlogged({}, kTunnel).empty());
  EXPECT_TRUE(table_.node_.unlogged(kLater, {}).empty());
}

TEST_F(OwnersCharon, WhatItKeepsAsACopyIsMadeActive) {
  table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
  ContextReport copy = context(kTunnel, 2);
  copy.active = false;
  table_.seen_.clear();
  says(copy);
  EXPECT_EQ(std::ranges::count(table_.seen_, Action{SetActive{{kTunnel}, true}}), 1);
  EXPECT_EQ(table_.node_.held(kTunnel), std::optional{true});
}

TEST_F(OwnersCharon, WhatItRefusedItIsAskedAgainAndNoLeaseIsSpentOnIt) {
  ASSERT_TRUE(putting_);
  table_.do_(table_.node_.on_put(kTunnel, false, table_.now_));
  EXPECT_EQ(table_.node_.held(kTunnel), std::nullopt);
  table_.pass(milliseconds{20});
  const auto leases = table_.node_.replica().leases();
  table_.seen_.clear();
  for (int i = 1; i <= 3; ++i) {
    table_.do_(table_.node_.ask_refused(table_.now_));
    table_.pass(milliseconds{20});
    ASSERT_EQ(count<PutContext>(table_.seen_), static_cast<std::size_t>(i));
    table_.do_(table_.node_.on_put(kTunnel, false, table_.now_));
  }
  EXPECT_EQ(table_.node_.replica().leases(), leases);
  table_.do_(table_.node_.ask_refused(table_.now_));
  table_.pass(milliseconds{10});
  table_.seen_.clear();
  table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
  EXPECT_EQ(table_.node_.held(kTunnel), std::optional{true});
  EXPECT_EQ(count<SetGate>(table_.seen_), 1U) << "opened";
}

// The log has overtaken it: message IDs and numbers of it may have been somebody else's since.
TEST_F(OwnersCharon, WhatItKeepsOfWhatItRefusedDoesNotAnswerUntilAPutSucceeds) {
  ASSERT_TRUE(putting_);
  ContextReport kept = context(kTunnel, 2);
  kept.active = false;
  says(kept);
  table_.do_(table_.node_.on_put(kTunnel, false, table_.now_));
  table_.seen_.clear();
  kept.number = 3;
  says(kept);
  EXPECT_EQ(std::ranges::count(table_.seen_, Action{SetActive{{kTunnel}, true}}), 0);
  EXPECT_EQ(table_.node_.held(kTunnel), std::optional{false});
  EXPECT_TRUE(discarded(3));
  kept.active = true;
  kept.number = 4;
  says(kept);
  EXPECT_EQ(std::ranges::count(table_.seen_, Action{SetActive{{kTunnel}, false}}), 1);
  EXPECT_TRUE(discarded(4));

  table_.do_(table_.node_.ask_refused(table_.now_));
  table_.pass(milliseconds{10});
  ASSERT_EQ(count<PutContext>(table_.seen_), 1U);
  table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
  EXPECT_EQ(table_.node_.held(kTunnel), std::optional{true});
}

// It may report that before it answers the PUT.
TEST_F(OwnersCharon, WhatItTakesAtLastAndAnswersForAtOnceIsNotMadePassive) {
  ASSERT_TRUE(putting_);
  table_.do_(table_.node_.on_put(kTunnel, false, table_.now_));
  table_.do_(table_.node_.ask_refused(table_.now_));
  table_.pass(milliseconds{10});
  table_.seen_.clear();
  says(context(kTunnel, 2));
  table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
  EXPECT_EQ(count<SetActive>(table_.seen_), 0U);
  EXPECT_EQ(table_.node_.held(kTunnel), std::optional{true});
}

TEST_F(OwnersCharon, WhatItRefusedItIsNotAskedToRekey) {
  ASSERT_TRUE(putting_);
  const OutboundUse use{{kPeer, EspSpi{7}}, 0xf0000000, 0, std::nullopt};
  table_.do_(table_.node_.on_put(kTunnel, false, table_.now_));
  table_.do_(table_.node_.on_used({use}, table_.now_));
  EXPECT_EQ(count<RekeyChild>(table_.seen_), 0U);
  table_.do_(table_.node_.ask_refused(table_.now_));
  table_.pass(milliseconds{10});
  table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
  table_.do_(table_.node_.on_used({use}, table_.now_ + std::chrono::seconds{61}));
  EXPECT_EQ(count<RekeyChild>(table_.seen_), 1U);
}

TEST_F(OwnersCharon, WhatIsRekeyedOutOfAContextThatItRefusedIsReleased) {
  ASSERT_TRUE(putting_);
  table_.do_(table_.node_.on_put(kTunnel, false, table_.now_));
  says(context(kSuccessor, 3));
  EXPECT_FALSE(logged(kSuccessor));
  EXPECT_TRUE(asked_to_release(kSuccessor));
  EXPECT_TRUE(discarded(3));
}

TEST_F(OwnersCharon, AnAnswerToNoPutChangesNothing) {
  table_.seen_.clear();
  table_.do_(table_.node_.on_put(kSuccessor, true, table_.now_));
  EXPECT_TRUE(table_.seen_.empty());
}

TEST(StandbysCharon, ACopyThatIsLostIsPutAgainOnce) {
  Table table(true);
  const Epoch epoch = table.node_.agreement().current()->epoch;
  const Entry entry{epoch, Delta{kTunnel, 1, kPeer, {{{kPeer, EspSpi{7}}, false, 0}}, "sealed"}};
  table.do_(table.node_.on_ring(kOther.node, {kOther.incarnation, ++table.number_, entry}, table.now_));
  table.do_(table.node_.on_put(kTunnel, true, table.now_));
  EXPECT_TRUE(table.node_.unlogged({}, {}).empty());
  table.seen_.clear();
  table.do_(table.node_.on_charon_gone(kTunnel, 1, table.now_));
  EXPECT_EQ(count<PutContext>(table.seen_), 1U);
  table.do_(table.node_.on_put(kTunnel, true, table.now_));
  table.do_(table.node_.on_charon_gone(kTunnel, 2, table.now_));
  EXPECT_EQ(count<PutContext>(table.seen_), 1U);  // it cannot live here
  table.do_(table.node_.on_charon_gone(kSuccessor, 3, table.now_));
  EXPECT_EQ(count<PutContext>(table.seen_), 1U);  // the log does not have that one
}

TEST(StandbysCharon, APutThatFailsIsNotTriedAgainAndNothingIsHeld) {
  Table table(true);
  const Epoch epoch = table.node_.agreement().current()->epoch;
  const auto log = [&](auto body) {
    const RingMessage said{kOther.incarnation, ++table.number_, Entry{epoch, std::move(body)}};
    table.do_(table.node_.on_ring(kOther.node, said, table.now_));
  };
  log(Delta{kTunnel, 1, kPeer, {{{kPeer, EspSpi{7}}, false, 0}}, "sealed"});
  table.do_(table.node_.on_put(kTunnel, false, table.now_));
  EXPECT_EQ(count<PutContext>(table.seen_), 1U);
  EXPECT_EQ(table.node_.held(kTunnel), std::nullopt);

  log(Delta{kTunnel, 2, kPeer, {{{kPeer, EspSpi{8}}, false, 0}}, "sealed"});
  ASSERT_EQ(count<PutContext>(table.seen_), 2U);
  log(Gone{kTunnel});
  table.seen_.clear();
  table.do_(table.node_.on_put(kTunnel, false, table.now_));
  EXPECT_EQ(count<PutContext>(table.seen_), 0U);
  EXPECT_EQ(count<ReleaseContexts>(table.seen_), 0U);
}

TEST(StandbysCharon, WhatItRefusedItIsAskedAgainUntilItHoldsIt) {
  Table table(true);
  const Epoch epoch = table.node_.agreement().current()->epoch;
  const Entry entry{epoch, Delta{kTunnel, 1, kPeer, {{{kPeer, EspSpi{7}}, false, 0}}, "sealed"}};
  table.do_(table.node_.on_ring(kOther.node, {kOther.incarnation, ++table.number_, entry}, table.now_));
  table.do_(table.node_.on_put(kTunnel, false, table.now_));
  table.seen_.clear();
  table.do_(table.node_.ask_refused(table.now_));
  EXPECT_EQ(count<PutContext>(table.seen_), 1U);
  EXPECT_FALSE(table.node_.held(kTunnel));
  table.do_(table.node_.on_put(kTunnel, true, table.now_));
  EXPECT_EQ(table.node_.held(kTunnel), std::optional{false});
  table.do_(table.node_.ask_refused(table.now_));
  EXPECT_EQ(count<PutContext>(table.seen_), 1U);
}

TEST(StandbysCharon, WhatItRefusesIsToldToTheOthers) {
  Table table(true);
  const Epoch epoch = table.node_.agreement().current()->epoch;
  const auto log = [&](auto body) {
    const RingMessage said{kOther.incarnation, ++table.number_, Entry{epoch, std::move(body)}};
    table.do_(table.node_.on_ring(kOther.node, said, table.now_));
  };
  const auto told = [&] {
    table.seen_.clear();
    table.do_(table.node_.on_tick(table.now_ += milliseconds{10}));
    const auto sent = std::ranges::find_if(
        table.seen_, [](const Action& action) { return std::holds_alternative<SendHeartbeat>(action); });
    return std::get<SendHeartbeat>(*sent).heartbeat.refused;
  };
  for (const SaId sa : {kTunnel, kSuccessor}) {
    log(Delta{sa, 1, kPeer, {}, "sealed"});
    table.do_(table.node_.on_put(sa, false, table.now_));
  }
  EXPECT_EQ(told(), 2U);
  EXPECT_EQ(table.node_.refused(kSelf.node), 2U);
  log(Gone{kSuccessor});
  EXPECT_EQ(told(), 1U);
  table.do_(table.node_.ask_refused(table.now_));
  EXPECT_EQ(told(), 1U) << "while it is asked again";
  table.do_(table.node_.on_put(kTunnel, true, table.now_));
  EXPECT_EQ(told(), 0U);
}

TEST(StandbysCharon, WhatAnotherRefusesIsKnownHere) {
  Table table(true);
  Heartbeat said = table.heartbeat(kOther);
  said.refused = 3;
  table.do_(table.node_.on_heartbeat(said, table.now_));
  EXPECT_EQ(table.node_.refused(kOther.node), 3U);
  EXPECT_EQ(table.node_.refused(kWitness.node), 0U);
}

// A standby that takes over from node 2, whose charon has the context's first version only.
class TakersCharon : public testing::Test {
 protected:
  TakersCharon() {
    log(Delta{kTunnel, 1, kPeer, {{{kPeer, EspSpi{7}}, false, 0}}, "first"});
    put(true);
    log(Delta{kTunnel, 2, kPeer, {{{kPeer, EspSpi{7}}, false, 0}}, "second"});
  }

  void log(auto body) {
    const Epoch epoch = table_.node_.agreement().current()->epoch;
    const RingMessage said{kOther.incarnation, ++table_.number_, Entry{epoch, std::move(body)}};
    table_.do_(table_.node_.on_ring(kOther.node, said, table_.now_));
  }
  void put(bool installed) { table_.do_(table_.node_.on_put(kTunnel, installed, table_.now_)); }
  std::ptrdiff_t activated() const {
    return std::ranges::count(table_.seen_, Action{SetActive{{kTunnel}, true}});
  }
  Table table_{true};
};

TEST_F(TakersCharon, IsGivenWhatItRefusedAsACopyBeforeItAnswers) {
  put(false);
  log(Move{kSelf.node});
  EXPECT_EQ(activated(), 0);
  table_.seen_.clear();
  table_.pass(milliseconds{20});
  const std::vector<PutContext> asked = puts_in(table_.seen_);
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(asked[0].sealed, "second");
  EXPECT_TRUE(asked[0].active);
  put(true);
  EXPECT_EQ(table_.node_.held(kTunnel), std::optional{true});
}

TEST_F(TakersCharon, DoesNotAnswerBeforeItHasTakenWhatItIsAskedToTake) {
  log(Move{kSelf.node});
  EXPECT_EQ(activated(), 0);
  put(false);
  EXPECT_EQ(activated(), 0);
  EXPECT_EQ(table_.node_.held(kTunnel), std::optional{false});
}

// Its copy of the rekeyed IKE_SA would keep the CHILD_SA from the successor if it answered.
TEST_F(TakersCharon, GivesUpWhatTheSuccessorThatItRefusedHas) {
  put(true);
  log(Delta{kSuccessor, 1, kPeer, {{{kPeer, EspSpi{7}}, false, 0}}, "third"});
  table_.do_(table_.node_.on_put(kSuccessor, false, table_.now_));
  log(Move{kSelf.node});
  EXPECT_EQ(activated(), 0);
  table_.seen_.clear();
  table_.pass(milliseconds{20});
  EXPECT_EQ(put_in(table_.seen_), (std::vector{kSuccessor, kTunnel}));
}

TEST_F(TakersCharon, IsNotMadeToAnswerByWhatIsToBeReplacedAtOnce) {
  log(Delta{kTunnel, 3, kPeer, {{{kPeer, EspSpi{7}}, false, 0}}, "third"});
  log(Move{kSelf.node});
  put(true);
  EXPECT_EQ(activated(), 0);
  EXPECT_EQ(table_.node_.held(kTunnel), std::optional{false});
}

// ESP of what charon keeps stands still while it is asked.
TEST_F(TakersCharon, IsAskedForOneAfterAnotherWhatItRefused) {
  put(false);
  log(Delta{kSuccessor, 1, kPeer, {{{kPeer, EspSpi{8}}, false, 0}}, "other"});
  const auto answer = [&](SaId sa) { table_.do_(table_.node_.on_put(sa, false, table_.now_)); };
  const auto asked = [&] {
    table_.pass(milliseconds{20});
    return put_in(std::exchange(table_.seen_, {}));
  };
  answer(kSuccessor);
  log(Move{kSelf.node});
  asked();
  answer(kTunnel);
  answer(kSuccessor);
  asked();
  table_.do_(table_.node_.ask_refused(table_.now_));
  EXPECT_EQ(asked(), std::vector{kTunnel});
  answer(kTunnel);
  EXPECT_EQ(asked(), std::vector{kSuccessor});
  answer(kSuccessor);
  EXPECT_TRUE(asked().empty());
}

TEST_F(TakersCharon, AnswersWhenItHasTakenWhatItWasAskedToTake) {
  log(Move{kSelf.node});
  put(true);
  EXPECT_EQ(activated(), 1);
  EXPECT_EQ(table_.node_.held(kTunnel), std::optional{true});
}

TEST_F(TakersCharon, TheEndOfWhatItKeepsOfWhatItRefusedIsNoNews) {
  put(false);
  log(Move{kSelf.node});
  put(false);
  table_.pass(milliseconds{20});
  put(false);
  table_.do_(table_.node_.on_ring_lost(table_.now_));
  table_.do_(table_.node_.on_charon_gone(kTunnel, 5, table_.now_));
  EXPECT_EQ(std::ranges::count(table_.seen_, Action{DiscardOutput{5, 5}}), 1);
}

TEST(StandbysCharon, WhatItDidAsTheOwnerAndSaysTooLateIsToldToNobody) {
  Table table(true);
  const Epoch epoch = table.node_.agreement().current()->epoch;
  const Entry entry{epoch, Delta{kTunnel, 1, kPeer, {{{kPeer, EspSpi{7}}, false, 0}}, "sealed"}};
  table.do_(table.node_.on_ring(kOther.node, {kOther.incarnation, ++table.number_, entry}, table.now_));
  table.do_(table.node_.on_put(kTunnel, true, table.now_));
  ContextReport late = context(kTunnel, 5);
  late.active = false;
  table.seen_.clear();
  table.do_(table.node_.on_charon(late, table.now_));
  EXPECT_EQ(std::ranges::count(table.seen_, Action{DiscardOutput{5, 5}}), 1);
  EXPECT_EQ(count<PutContext>(table.seen_), 1U);
}

// That a tunnel came a moment ago does not keep an operator from moving.
TEST(StandbyOfABusyOwner, IsReadyThoughCharonIsAboutToHaveTheNewestTunnel) {
  Table table(true);
  table.pass(milliseconds{400});
  ASSERT_TRUE(table.node_.ready(kSelf.node));
  const Entry entry{table.node_.agreement().current()->epoch, Delta{kTunnel, 1, kPeer, {}, "sealed"}};
  table.do_(table.node_.on_ring(kOther.node, {kOther.incarnation, ++table.number_, entry}, table.now_));
  ASSERT_EQ(count<PutContext>(table.seen_), 1U);
  EXPECT_TRUE(table.node_.ready(kSelf.node));
  table.pass(milliseconds{1100});
  EXPECT_FALSE(table.node_.ready(kSelf.node)) << "charon does not answer";
}

}  // namespace
}  // namespace hasync::hasyncd
