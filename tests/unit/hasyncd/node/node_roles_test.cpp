// How each role answers each event.
#include <gtest/gtest.h>

#include <functional>

#include "hasyncd/node/unready.h"
#include "tests/unit/hasyncd/node/node_table.h"

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

struct InOut : Table {
  InOut() : Table(false) { do_(node_.on_ring_lost(now_)); }
};
struct InStandby : Table {
  InStandby() : Table(true) { pass(milliseconds{50}); }
};
struct InTaking : Table {
  InTaking() : Table(false) { pass(milliseconds{20}); }
};
struct InOwner : Table {
  InOwner() : Table(false) { pass(milliseconds{300}); }
};
struct InLapsed : InOwner {
  InLapsed() { pass_in_silence(milliseconds{120}); }
};
struct InLeaving : InOwner {
  InLeaving() {
    deaf_ = true;
    do_(*node_.move(NodeId{2}, now_));
  }
};

using Event = std::function<void(Table&)>;
const Event kRingLost = [](Table& t) { t.do_(t.node_.on_ring_lost(t.now_)); };
const Event kQuorumLost = [](Table& t) {
  t.do_(t.node_.on_quorate(false, t.now_));
  t.pass(milliseconds{200});
};
const Event kSilence = [](Table& t) { t.pass_in_silence(milliseconds{100}); };
const Event kHeartbeats = [](Table& t) { t.pass(milliseconds{200}); };
const Event kCharonLost = [](Table& t) { t.do_(t.node_.on_charon_lost(t.now_)); };
const Event kLinksDown = [](Table& t) { t.do_(t.node_.on_links({"wan0"}, t.now_)); };
const Event kStop = [](Table& t) { t.do_(t.node_.stop(t.now_)); };

template <typename In>
Role after(const Event& event) {
  In table;
  event(table);
  return table.node_.role();
}

template <typename In>
std::vector<Role> row() {
  return {after<In>(kRingLost),   after<In>(kQuorumLost), after<In>(kSilence), after<In>(kHeartbeats),
          after<In>(kCharonLost), after<In>(kLinksDown),  after<In>(kStop)};
}

// Each role is really entered; then: ring lost, quorum lost, silence, heartbeats, charon lost, links down,
// stop.
TEST(NodeRoles, OutStaysOut) {
  EXPECT_EQ(InOut{}.node_.role(), Role::Out);
  EXPECT_EQ(row<InOut>(), (std::vector(7, Role::Out)));
}

TEST(NodeRoles, AStandbyWaitsWhateverHappensHere) {
  EXPECT_EQ(InStandby{}.node_.role(), Role::Standby);
  EXPECT_EQ(row<InStandby>(), (std::vector<Role>{Role::Out, Role::Standby, Role::Standby, Role::Standby,
                                                 Role::Standby, Role::Standby, Role::Standby}));
}

TEST(NodeRoles, WhoIsTakingOpensOnlyWithQuorumAndHeartbeats) {
  EXPECT_EQ(InTaking{}.node_.role(), Role::Taking);
  EXPECT_EQ(row<InTaking>(), (std::vector<Role>{Role::Out, Role::Taking, Role::Taking, Role::Owner,
                                                Role::Taking, Role::Taking, Role::Standby}));
}

TEST(NodeRoles, AnOwnerThatCannotServeHandsOver) {
  EXPECT_EQ(InOwner{}.node_.role(), Role::Owner);
  EXPECT_EQ(row<InOwner>(), (std::vector<Role>{Role::Out, Role::Lapsed, Role::Lapsed, Role::Owner,
                                               Role::Standby, Role::Standby, Role::Standby}));
}

TEST(NodeRoles, ALapsedOwnerComesBackWithTheHeartbeats) {
  EXPECT_EQ(InLapsed{}.node_.role(), Role::Lapsed);
  const std::vector<Role> roles = row<InLapsed>();
  EXPECT_EQ(roles[0], Role::Out);
  EXPECT_EQ(roles[1], Role::Lapsed);
  EXPECT_EQ(roles[2], Role::Lapsed);
  EXPECT_EQ(roles[3], Role::Owner);
}

TEST(NodeRoles, WhoIsLeavingStaysClosedUntilTheLogSaysWhoOwns) {
  EXPECT_EQ(InLeaving{}.node_.role(), Role::Leaving);
  const std::vector<Role> roles = row<InLeaving>();
  EXPECT_EQ(roles[0], Role::Out);
  EXPECT_EQ(roles[3], Role::Leaving);
  EXPECT_EQ(roles[4], Role::Leaving);
}

TEST(NodeRoles, TheFenceIsOpenInNoRoleButOwner) {
  for (const Event& event : {kRingLost, kQuorumLost, kSilence}) {
    InOwner owner;
    owner.seen_.clear();
    event(owner);
    EXPECT_EQ(count<CloseFence>(owner.seen_), 1U);
    owner.seen_.clear();
    owner.pass_in_silence(milliseconds{200});
    EXPECT_EQ(count<SetDeadline>(owner.seen_), 0U);
  }
}

TEST(NodeRoles, ANewOwnerWaitsForTheFenceOfTheOldOne) {
  Table table(false);
  std::optional<Instant> heard;
  for (int i = 0; i < 40 && table.node_.role() != Role::Owner; ++i) {
    table.pass(milliseconds{10});
    if (!heard) heard = table.now_;
  }
  ASSERT_EQ(table.node_.role(), Role::Owner);
  EXPECT_GE(table.now_, *heard + milliseconds{80});
}

TEST(NodeRoles, TheDeadlineNeverReachesBeyondTheFenceAfterWhatWasAcknowledged) {
  InOwner owner;
  EXPECT_LE(owner.node_.deadline(), owner.now_ + milliseconds{80});
  const Instant last = owner.node_.deadline();
  owner.pass_in_silence(milliseconds{50});
  EXPECT_EQ(owner.node_.deadline(), last);
}

TEST(NodeRoles, TheShortestTimeThatWasLeftAtARenewalIsKept) {
  InOwner owner;
  ASSERT_TRUE(owner.node_.least_margin());
  EXPECT_EQ(*owner.node_.least_margin(), milliseconds{70});  // renewed each 10 ms
  owner.pass_in_silence(milliseconds{50});
  owner.pass(milliseconds{30});
  EXPECT_EQ(*owner.node_.least_margin(), milliseconds{20});
  EXPECT_EQ(owner.node_.counted().lapses, 0U);
}

TEST(NodeRoles, AnOwnerThatWasSuspendedIsSilentUntilAMajorityAnswersAnew) {
  InOwner owner;
  owner.seen_.clear();
  const Heartbeat before = owner.heartbeat(kOther);  // on its way while the machine sleeps
  owner.do_(owner.node_.on_suspended(std::chrono::seconds{5}, owner.now_ += milliseconds{1}));
  EXPECT_EQ(owner.node_.role(), Role::Lapsed);
  EXPECT_EQ(count<CloseFence>(owner.seen_), 1U);
  EXPECT_EQ(owner.node_.counted().suspensions, 1U);
  owner.do_(owner.node_.on_heartbeat(before, owner.now_));
  EXPECT_EQ(owner.node_.role(), Role::Lapsed) << "acknowledges what was sent before";
  owner.pass(milliseconds{10});
  EXPECT_EQ(owner.node_.role(), Role::Owner);
}

TEST(NodeRoles, ASuspendedStandbyGoesOn) {
  InStandby standby;
  standby.do_(standby.node_.on_suspended(std::chrono::seconds{5}, standby.now_));
  EXPECT_EQ(standby.node_.role(), Role::Standby);
}

TEST(NodeRoles, ALapseIsCounted) {
  EXPECT_EQ(InLapsed{}.node_.counted().lapses, 1U);
}

TEST(NodeRoles, AStandbyRefusesToMoveWhatItDoesNotOwn) {
  InStandby standby;
  const auto refused = standby.node_.move(NodeId{2}, standby.now_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Conflict);
}

TEST(NodeRoles, WhoStaysOwnerAnnouncesItsAddressAnewToWhoeverWasElsewhere) {
  InOwner owner;
  owner.pass(milliseconds{3000});
  owner.seen_.clear();
  owner.pass(milliseconds{3000});
  EXPECT_EQ(count<Announce>(owner.seen_), 0U);
  owner.do_(owner.node_.on_view({NodeId{1}, NodeId{2}, NodeId{3}}, owner.now_));
  owner.pass(milliseconds{3000});
  EXPECT_EQ(owner.node_.role(), Role::Owner);
  EXPECT_EQ(count<Announce>(owner.seen_), 4U);
}

// Node 2 is heard all the time, and its answer to the proposal is late: its corosync, or another's, stands
// still.
TEST(SlowRing, WhoIsHeardAndAnswersLateIsNotAccusedBeforeItsTime) {
  Node node({.self = kSelf,
             .gateway = true,
             .configured = {NodeId{1}, NodeId{2}, NodeId{3}},
             .evict_after = milliseconds{900}},
            Epoch{}, Epoch{});
  std::uint64_t number = 0;
  std::size_t accusations = 0;
  Instant now = milliseconds{1000};
  const std::function<void(const Actions&)> play = [&](const Actions& actions) {
    for (const Action& action : actions) {
      const auto* sent = std::get_if<SendRing>(&action);
      if (sent == nullptr) continue;
      if (std::holds_alternative<Evict>(sent->message.body)) ++accusations;
      play(node.on_ring(kSelf.node, sent->message, now));
      if (const auto* propose = std::get_if<Propose>(&sent->message.body)) {
        const Sync sync{.leader = kSelf, .epoch = propose->epoch, .promised = propose->epoch};
        play(node.on_ring(kWitness.node, {kWitness.incarnation, ++number, sync}, now));
      }
    }
  };
  const auto pass = [&](milliseconds time) {
    for (const Instant end = now + time; now < end;) {
      now += milliseconds{10};
      play(node.on_tick(now));
      for (const Process& other : {kOther, kWitness})
        play(node.on_heartbeat({.from = other, .number = ++number, .sent_ns = number}, now));
    }
  };
  play(node.on_quorate(true, now));
  play(node.on_view({NodeId{1}, NodeId{2}, NodeId{3}}, now));
  pass(milliseconds{890});
  EXPECT_EQ(accusations, 0U);
  pass(milliseconds{50});
  EXPECT_EQ(accusations, 1U);
}

TEST(NodeRoles, WhyAnotherCouldNotTakeOverIsSaid) {
  InOwner owner;
  EXPECT_EQ(why_unready(owner.node_, kOther.node), "");
  EXPECT_EQ(why_unready(owner.node_, kWitness.node), "");
  Heartbeat unready = owner.heartbeat(kOther);
  unready.ready = false;
  owner.do_(owner.node_.on_heartbeat(unready, owner.now_));
  const auto refused = owner.node_.move(kOther.node, owner.now_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "node 2 is not ready: " + why_unready(owner.node_, kOther.node));
  EXPECT_EQ(why_unready(owner.node_, kOther.node).rfind("its charon is not there or still lacks", 0), 0U);

  for (const Process& by : {kSelf, kWitness})
    owner.do_(
        owner.node_.on_ring(by.node, {by.incarnation, ++owner.number_, Evict{kOther.node}}, owner.now_));
  EXPECT_EQ(why_unready(owner.node_, kOther.node), "evicted: its hasyncd is silent");
  owner.do_(owner.node_.on_view({kSelf.node, kWitness.node}, owner.now_));
  EXPECT_EQ(why_unready(owner.node_, kOther.node), "not in the ring");
}

TEST(NodeRoles, WhoHasJustComeIsNotInTheEpochYetAndThenWithoutTheState) {
  Table table(false);
  EXPECT_EQ(why_unready(table.node_, kOther.node), "does not have the whole state yet");
  table.do_(table.node_.on_view({kSelf.node, kWitness.node}, table.now_));
  table.do_(table.node_.on_tick(table.now_ += milliseconds{10}));
  table.deaf_ = true;  // the round that takes it in goes on
  table.do_(table.node_.on_view({kSelf.node, kOther.node, kWitness.node}, table.now_));
  EXPECT_EQ(why_unready(table.node_, kOther.node), "not in the epoch yet");
}

}  // namespace
}  // namespace hasync::hasyncd
