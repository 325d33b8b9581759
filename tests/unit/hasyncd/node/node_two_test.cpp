// A gateway of two without a witness (docs/decisions/0008-two-nodes.md): what its Node does when it is alone.
#include <gtest/gtest.h>

#include "tests/unit/hasyncd/node/node_table.h"

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

// Node 1, on a ring that brings back what it says; the other is node 2, and agrees with everything.
class OfTwo : public testing::Test {
 protected:
  explicit OfTwo(std::optional<Duration> silence_says_dead = {})
      : node_({.self = kSelf,
               .gateway = true,
               .configured = {NodeId{1}, NodeId{2}},
               .silence_says_dead = silence_says_dead},
              Epoch{3}, Epoch{3}) {}
  void do_(const Actions& actions) {
    for (const Action& action : actions) {
      seen_.push_back(action);
      const auto* sent = std::get_if<SendRing>(&action);
      if (sent == nullptr || deaf_) continue;
      do_(node_.on_ring(NodeId{1}, sent->message, now_));
      const auto* propose = std::get_if<Propose>(&sent->message.body);
      if (propose != nullptr && propose->members.size() == 2) answer(*propose);
    }
  }
  void answer(const Propose& propose) {
    Sync sync{
        .leader = kSelf, .epoch = propose.epoch, .promised = propose.epoch, .gateway = true, .of_two = true};
    if (like_us_) {
      const StateMark mark = node_.replica().mark();
      sync.state_epoch = mark.epoch;
      sync.index = mark.index;
      sync.digest = mark.digest;
      sync.has_state = mark.whole;
      sync.owner = !mark.owner;
    }
    do_(node_.on_ring(kOther.node, {kOther.incarnation, ++number_, sync}, now_));
  }
  void hear_the_other() {
    Heartbeat heard{.from = kOther, .number = ++number_, .sent_ns = number_, .ready = true};
    const StateMark mark = node_.replica().mark();
    heard.epoch = node_.agreement().current()->epoch;
    heard.index = mark.index;
    heard.digest = mark.digest;
    do_(node_.on_heartbeat(heard, now_));
  }
  // Both are there, and node 1 owns.
  void begin() {
    do_(node_.on_charon_synced(now_));
    do_(node_.on_view({NodeId{1}, NodeId{2}}, now_));
    for (int i = 0; i < 20; ++i) {
      hear_the_other();
      pass(milliseconds{10});
    }
    ASSERT_EQ(node_.role(), Role::Owner);
  }
  void lose_the_ring_and_be_alone() {
    do_(node_.on_ring_lost(now_));
    deaf_ = false;
    do_(node_.on_view({NodeId{1}}, now_));
    pass(milliseconds{1000});
  }
  void pass(Duration time) {
    for (const Instant end = now_ + time; now_ < end;) do_(node_.on_tick(now_ += milliseconds{10}));
  }

  Node node_;
  bool deaf_ = false;     // what is said does not come back
  bool like_us_ = false;  // the other has the same state
  Instant now_ = milliseconds{1000};
  std::uint64_t number_ = 0;
  Actions seen_;
};

TEST_F(OfTwo, AloneAndWithoutStateItWaits) {
  do_(node_.on_view({NodeId{1}}, now_));
  pass(milliseconds{2000});
  EXPECT_EQ(node_.role(), Role::Out);
  EXPECT_EQ(count<HoldAddress>(seen_), 0U);
}

TEST_F(OfTwo, OnTheOperatorsWordItOwnsAfterTheFence) {
  do_(node_.on_view({NodeId{1}}, now_));
  const Instant said = now_;
  auto actions = node_.take_alone(now_);
  ASSERT_TRUE(actions) << actions.error().what;
  do_(*actions);
  while (node_.role() != Role::Owner && now_ < said + milliseconds{1000}) pass(milliseconds{10});
  EXPECT_EQ(node_.role(), Role::Owner);
  EXPECT_GE(now_, said + milliseconds{80});
  EXPECT_EQ(count<HoldAddress>(seen_), 1U);
  pass(milliseconds{500});
  EXPECT_EQ(node_.role(), Role::Owner) << "needs nobody's acknowledgement, nor corosync's quorum";
  EXPECT_EQ(node_.take_alone(now_).error().code, Errc::Conflict) << "owns already";
}

TEST_F(OfTwo, TheOwnerGoesOnAlone) {
  begin();
  do_(node_.on_view({NodeId{1}}, now_));
  pass(milliseconds{1000});
  EXPECT_EQ(node_.role(), Role::Owner);
  EXPECT_EQ(count<CloseFence>(seen_), 0U) << "not for a moment";
}

TEST_F(OfTwo, TheOwnerComesBackAloneAfterItsRingWasLost) {
  begin();
  lose_the_ring_and_be_alone();
  EXPECT_EQ(node_.role(), Role::Owner);
}

TEST_F(OfTwo, AnOwnerWhoseMoveMayHaveArrivedDoesNotGoOnAlone) {
  begin();
  deaf_ = true;
  auto moved = node_.move(kOther.node, now_);
  ASSERT_TRUE(moved) << moved.error().what;
  do_(*moved);
  lose_the_ring_and_be_alone();
  EXPECT_EQ(node_.role(), Role::Out);
  do_(node_.on_view({NodeId{1}, NodeId{2}}, now_));
  ASSERT_TRUE(node_.agreement().current()) << "together they know";
  do_(node_.on_view({NodeId{1}}, now_));
  pass(milliseconds{1000});
  EXPECT_EQ(node_.role(), Role::Owner);
}

TEST_F(OfTwo, AStandbyConfirmsOnlyWhatItsOwnerHas) {
  begin();
  auto moved = node_.move(kOther.node, now_);
  ASSERT_TRUE(moved) << moved.error().what;
  do_(*moved);
  ASSERT_EQ(node_.replica().owner(), kOther);
  like_us_ = true;
  do_(node_.on_view({NodeId{1}, NodeId{2}}, now_));
  ASSERT_TRUE(node_.replica().current());
  EXPECT_EQ(node_.replica().owner(), kOther);
  pass(milliseconds{100});
  EXPECT_FALSE(node_.agreement().confirmed());
  hear_the_other();
  EXPECT_TRUE(node_.agreement().confirmed());
}

class OfTwoAvailable : public OfTwo {
 protected:
  OfTwoAvailable() : OfTwo(std::chrono::seconds{5}) {}
  void stand_by() {
    begin();
    auto moved = node_.move(kOther.node, now_);
    ASSERT_TRUE(moved) << moved.error().what;
    do_(*moved);
    hear_the_other();
    ASSERT_EQ(node_.role(), Role::Standby);
  }
  bool took_from_silence() const {
    return std::ranges::any_of(seen_, [](const Action& action) {
      const auto* note = std::get_if<Note>(&action);
      return note != nullptr && note->id == "taken-from-silence" && note->warning;
    });
  }
};

TEST_F(OfTwoAvailable, WhoeverStandsByTakesOverFromLongSilenceAndBeginsEmpty) {
  stand_by();
  const Epoch before = node_.agreement().current()->epoch;
  do_(node_.on_view({NodeId{1}}, now_));
  pass(milliseconds{4900});
  EXPECT_FALSE(took_from_silence());
  pass(milliseconds{300});
  EXPECT_TRUE(took_from_silence());
  EXPECT_EQ(node_.role(), Role::Owner);
  EXPECT_EQ(node_.agreement().current()->reference, kNobody);
  EXPECT_GT(node_.agreement().current()->epoch, before);
  EXPECT_EQ(node_.replica().mark().begun, node_.agreement().current()->epoch);
}

TEST_F(OfTwoAvailable, AHeartbeatIsNoSilence) {
  stand_by();
  do_(node_.on_view({NodeId{1}}, now_));
  for (int i = 0; i < 20; ++i) {
    do_(node_.on_heartbeat({.from = kOther, .number = ++number_}, now_));
    pass(milliseconds{1000});
  }
  EXPECT_FALSE(took_from_silence());
}

TEST_F(OfTwoAvailable, WhoeverHasNeverMetTheOtherWaits) {
  do_(node_.on_charon_synced(now_));
  do_(node_.on_view({NodeId{1}}, now_));
  pass(milliseconds{60000});
  EXPECT_FALSE(took_from_silence());
}

TEST_F(OfTwoAvailable, TheOwnerGoesOnWithItsState) {
  begin();
  lose_the_ring_and_be_alone();
  pass(milliseconds{10000});
  EXPECT_FALSE(took_from_silence());
  EXPECT_EQ(node_.role(), Role::Owner);
}

TEST_F(OfTwoAvailable, AGatewayWhoseLinkIsDownHasNoUseOfTheAddress) {
  stand_by();
  do_(node_.on_links({"wan0"}, now_));
  do_(node_.on_view({NodeId{1}}, now_));
  pass(milliseconds{10000});
  EXPECT_FALSE(took_from_silence());
}

TEST_F(OfTwo, TheOperatorIsNotBelievedWhereTheOtherIsSeen) {
  EXPECT_EQ(node_.take_alone(now_).error().code, Errc::Busy) << "no ring";
  do_(node_.on_view({NodeId{1}, NodeId{2}}, now_));
  EXPECT_EQ(node_.take_alone(now_).error().code, Errc::Conflict);
  Table three(false);
  EXPECT_EQ(three.node_.take_alone(three.now_).error().code, Errc::Unsupported);
}

}  // namespace
}  // namespace hasync::hasyncd
