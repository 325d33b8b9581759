// A member that has missed something, and what a whole state costs the ring at once.
#include <gtest/gtest.h>

#include "tests/unit/hasyncd/node/node_table.h"

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

std::size_t notes(const Actions& actions, const std::string& id) {
  return static_cast<std::size_t>(std::ranges::count_if(actions, [&](const Action& action) {
    const auto* note = std::get_if<Note>(&action);
    return note != nullptr && note->id == id;
  }));
}

struct Standby : Table {
  Standby() : Table(true) { pass(milliseconds{50}); }

  // The others have `more` entries that this node has not, and take `owner` for the owner.
  void pass_behind(Duration time, std::uint64_t more, Process owner = kOther) {
    for (const Instant end = now_ + time; now_ < end;) {
      now_ += milliseconds{10};
      do_(node_.on_tick(now_));
      for (const Process& other : {kOther, kWitness}) {
        Heartbeat said = heartbeat(other);
        said.owner = owner;
        said.index += more;
        said.digest += more;
        do_(node_.on_heartbeat(said, now_));
      }
    }
  }
};

TEST(NodeResync, AMemberThatMissedAnEntryLeavesTheRingToComeBackWithoutIt) {
  Standby table;
  table.pass_behind(milliseconds{1000}, 1);
  EXPECT_EQ(count<Rejoin>(table.seen_), 0U) << "it may only be slow";
  table.pass_behind(milliseconds{600}, 1);
  EXPECT_EQ(count<Rejoin>(table.seen_), 1U);
  EXPECT_EQ(notes(table.seen_, "resync"), 1U);
  EXPECT_EQ(table.node_.counted().resyncs, 1U);
}

TEST(NodeResync, AMemberThatMissedThatItOwnsLeavesTheRingToComeBackKnowingIt) {
  Standby table;
  table.pass_behind(milliseconds{1600}, 1, kSelf);
  EXPECT_EQ(table.node_.role(), Role::Standby);
  EXPECT_EQ(count<Rejoin>(table.seen_), 1U);
}

TEST(NodeResync, AMemberThatFollowsStays) {
  Standby table;
  table.pass_behind(milliseconds{1000}, 1);
  const Entry entry{table.node_.agreement().current()->epoch, Delta{.sa = {1, 2}, .version = 1}};
  table.do_(table.node_.on_ring(kOther.node, {kOther.incarnation, ++table.number_, entry}, table.now_));
  table.pass_behind(milliseconds{3000}, 0);
  EXPECT_EQ(count<Rejoin>(table.seen_), 0U);
}

TEST(NodeResync, AnEntryOfAnEndedEpochIsVoidAndCounted) {
  Standby table;
  const StateMark before = table.node_.replica().mark();
  const Entry late{Epoch{}, Gone{{1, 2}}};
  table.do_(table.node_.on_ring(kOther.node, {kOther.incarnation, ++table.number_, late}, table.now_));
  EXPECT_EQ(table.node_.counted().void_entries, 1U);
  EXPECT_EQ(table.node_.replica().mark(), before);
}

// An owner of a state that takes many parts; the others come with nothing.
struct Owner : Table {
  static constexpr std::uint64_t kParts = 20;
  Owner() : Table(false) {
    pass(milliseconds{300});
    for (std::uint64_t i = 1; i <= kParts; ++i) {
      const std::string large(kMaxSealedContext, 'c');
      do_(node_.on_charon({.sa = {i, i}, .sealed = large, .active = true, .number = i}, now_));
    }
    pass(milliseconds{50});
    slow_ = true;
    do_(node_.on_view({NodeId{1}, NodeId{2}, NodeId{3}}, now_));
  }
};

TEST(NodeResync, ASnapshotGoesOutAsTheRingTakesIt) {
  Owner table;
  ASSERT_EQ(table.not_taken_.size(), 8U);
  std::size_t sent = 0;
  for (; !table.not_taken_.empty(); ++sent) {
    const RingMessage part = std::move(table.not_taken_.front());
    table.not_taken_.pop_front();
    EXPECT_EQ(std::get<Snapshot>(part.body).part, sent);
    table.do_(table.node_.on_ring(kSelf.node, part, table.now_));
    EXPECT_LE(table.not_taken_.size(), 8U);
  }
  EXPECT_EQ(sent, Owner::kParts);
}

TEST(NodeResync, ASnapshotOfAnEndedEpochIsNotGoneOnWith) {
  Owner table;
  const auto old = std::exchange(table.not_taken_, {});
  table.do_(table.node_.on_view({NodeId{1}, NodeId{2}}, table.now_));
  table.do_(table.node_.on_ring(kSelf.node, old.front(), table.now_));
  for (const RingMessage& part : table.not_taken_) {
    EXPECT_EQ(std::get<Snapshot>(part.body).epoch, table.node_.agreement().current()->epoch);
  }
}

}  // namespace
}  // namespace hasync::hasyncd
