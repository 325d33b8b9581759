// A gateway between two fakes: how each role answers each event. The other members agree with everything.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "hasyncd/node/node.h"

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

constexpr Process kSelf{NodeId{1}, Incarnation{10}};
constexpr Process kOther{NodeId{2}, Incarnation{20}};
constexpr Process kWitness{NodeId{3}, Incarnation{30}};

template <typename What>
std::size_t count(const Actions& actions) {
  return static_cast<std::size_t>(
      std::ranges::count_if(actions, [](const Action& a) { return std::holds_alternative<What>(a); }));
}

// Node 1 of three. `elder`: node 2 holds the state already and owns.
class Table {
 public:
  explicit Table(bool elder) : elder_(elder) {
    do_(node_.on_quorate(true, now_));
    do_(node_.on_charon_synced(now_));
    do_(node_.on_view({NodeId{1}, NodeId{2}, NodeId{3}}, now_));
  }

  // Carries out what goes to the ring: the message comes back, and the others answer a proposal.
  void do_(const Actions& actions) {
    seen_.insert(seen_.end(), actions.begin(), actions.end());
    for (const Action& action : actions) {
      const auto* sent = std::get_if<SendRing>(&action);
      if (sent == nullptr || deaf_) continue;
      do_(node_.on_ring(kSelf.node, sent->message, now_));
      if (const auto* propose = std::get_if<Propose>(&sent->message.body)) answer(*propose);
    }
  }

  void answer(const Propose& propose) {
    for (const Process& other : {kOther, kWitness}) {
      Sync sync{.leader = kSelf, .epoch = propose.epoch, .promised = propose.epoch};
      sync.gateway = other == kOther;
      if (elder_) {
        sync.confirmed = sync.state_epoch = Epoch{1};
        sync.index = kBeginning;
        sync.has_state = true;
        sync.owner = other == kOther;
      }
      do_(node_.on_ring(other.node, {other.incarnation, ++number_, sync}, now_));
    }
    if (elder_) {
      const Snapshot state{.epoch = propose.epoch, .part = 0, .parts = 1, .owner = kOther};
      do_(node_.on_ring(kOther.node, {kOther.incarnation, ++number_, state}, now_));
    }
  }

  // Time goes on, and the others send heartbeats in it that acknowledge all that this node has said.
  void pass(Duration time) {
    for (const Instant end = now_ + time; now_ < end;) {
      now_ += milliseconds{10};
      do_(node_.on_tick(now_));
      for (const Process& other : {kOther, kWitness}) do_(node_.on_heartbeat(heartbeat(other), now_));
    }
  }
  void pass_in_silence(Duration time) {
    for (const Instant end = now_ + time; now_ < end;) do_(node_.on_tick(now_ += milliseconds{10}));
  }

  Heartbeat heartbeat(Process from) {
    Heartbeat out{.from = from, .number = ++number_, .sent_ns = number_, .ready = from == kOther};
    const StateMark mark = node_.replica().mark();
    if (node_.agreement().current()) out.epoch = node_.agreement().current()->epoch;
    out.index = mark.index;
    out.digest = mark.digest;
    const auto stamp = static_cast<std::uint64_t>(now_.count());
    out.acks.push_back({kSelf, stamp});
    return out;
  }

  Node node_{
      {.self = kSelf, .gateway = true, .configured = {NodeId{1}, NodeId{2}, NodeId{3}}}, Epoch{}, Epoch{}};
  bool elder_;
  bool deaf_ = false;  // what is sent to the ring does not come back yet
  Instant now_ = milliseconds{1000};
  std::uint64_t number_ = 0;
  Actions seen_;
};

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

TEST(NodeRoles, AStandbyRefusesToMoveWhatItDoesNotOwn) {
  InStandby standby;
  const auto refused = standby.node_.move(NodeId{2}, standby.now_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Conflict);
}

}  // namespace
}  // namespace hasync::hasyncd
