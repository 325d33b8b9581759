// Inbound windows and what could be replayed: what a node says as the owner, hears as a standby, states and
// does when it takes over.
#include <gtest/gtest.h>

#include "tests/unit/hasyncd/node/node_table.h"

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr SaId kTunnel{0xaaaa, 0xbbbb};
constexpr EspSpi kInbound{0xc1};
const Address kPeer = Address::v4(192, 0, 2, 10);
const OutboundKey kOutbound{kPeer, EspSpi{7}};
const InboundKey kWindow{Address::v4(192, 0, 2, 100), kInbound};

template <typename What>
std::vector<What> all(const Actions& actions) {
  std::vector<What> out;
  for (const Action& action : actions) {
    if (const auto* what = std::get_if<What>(&action)) out.push_back(*what);
  }
  return out;
}

// Node 2 owns one tunnel, and this node stands by.
class WindowsOfAStandby : public testing::Test {
 protected:
  WindowsOfAStandby() {
    table_.pass(milliseconds{20});
    says(Delta{kTunnel, 1, kPeer, {{kOutbound, false, 0, kInbound}}, "sealed"});
    table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
    table_.pass(milliseconds{20});
  }
  template <typename Body>
  void says(Body body) {
    const Epoch epoch = table_.node_.agreement().current()->epoch;
    const Entry entry{epoch, std::move(body)};
    table_.do_(table_.node_.on_ring(kOther.node, {kOther.incarnation, ++table_.number_, entry}, table_.now_));
  }
  void owner_beats(std::uint64_t let_in, std::optional<Windows> windows = {}) {
    Heartbeat heartbeat = table_.heartbeat(kOther);
    heartbeat.owner = kOther;
    heartbeat.let_in = let_in;
    heartbeat.counted_ns = heartbeat.sent_ns;
    heartbeat.peak = 1;
    heartbeat.windows = std::move(windows);
    table_.do_(table_.node_.on_heartbeat(heartbeat, table_.now_));
  }
  void takes_over() {
    says(Move{kSelf.node});
    table_.pass(milliseconds{200});
  }
  Heartbeat own_heartbeat() {
    table_.seen_.clear();
    table_.pass(milliseconds{40});  // one tick may say nothing: the owner was just answered
    return all<SendHeartbeat>(table_.seen_).back().heartbeat;
  }
  Table table_{true, seconds{4}};
};

TEST_F(WindowsOfAStandby, AreRaisedAndTheReadingIsAcknowledged) {
  owner_beats(500, Windows{.round = 3, .since = 0, .let_in = 480, .tops = {{kWindow, 480}}});
  EXPECT_EQ(all<RaiseWindows>(table_.seen_), (std::vector{RaiseWindows{{{kWindow, 480}}}}));
  EXPECT_EQ(own_heartbeat().windows_held, 3U);
  EXPECT_EQ(table_.node_.window(kWindow, 100), 480U);  // where a PUT of an older context puts it
  owner_beats(510, Windows{.round = 4, .since = 3, .let_in = 480, .tops = {{kWindow, 470}}});
  EXPECT_EQ(count<RaiseWindows>(table_.seen_), 0U);  // the mark is higher
}

TEST_F(WindowsOfAStandby, AReadingThatIsHereWholeLeavesOpenWhatCameAfterIt) {
  EXPECT_EQ(table_.node_.replay_bound(table_.now_), std::nullopt);  // it came by a snapshot
  owner_beats(500, Windows{.round = 3, .let_in = 480, .last = true, .tops = {{kWindow, 480}}});
  EXPECT_EQ(table_.node_.replay_bound(table_.now_), 20U);
}

TEST_F(WindowsOfAStandby, WhileCharonInstallsTheOlderReadingCounts) {
  owner_beats(100, Windows{.round = 1, .let_in = 100, .last = true, .tops = {}});
  says(Delta{kTunnel, 2, kPeer, {{kOutbound, false, 0, kInbound}}, "sealed"});  // its PUT is under way
  owner_beats(500, Windows{.round = 2, .since = 1, .let_in = 500, .last = true, .tops = {}});
  EXPECT_GE(table_.node_.replay_bound(table_.now_), 400U);
  table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
  EXPECT_EQ(table_.node_.replay_bound(table_.now_), 0U);
}

TEST_F(WindowsOfAStandby, ATakeoverStatesWhatIsOpenAndRekeysUntilNothingIs) {
  owner_beats(500, Windows{.round = 3, .let_in = 480, .last = true, .tops = {{kWindow, 480}}});
  table_.seen_.clear();
  takes_over();
  ASSERT_EQ(table_.node_.role(), Role::Owner);
  EXPECT_EQ(table_.node_.replay_bound(table_.now_), 20U);
  EXPECT_EQ(table_.node_.exposed(), 1U);
  const auto raise =
      std::ranges::find(table_.seen_, Action{RaiseWindows{}});  // what waits, before the fence opens
  const auto open = std::ranges::find_if(
      table_.seen_, [](const Action& a) { return std::holds_alternative<SetDeadline>(a); });
  EXPECT_LT(raise, open);
  EXPECT_EQ(all<RekeyChild>(table_.seen_), (std::vector{RekeyChild{kTunnel, kOutbound}}));

  const OutboundKey next{kPeer, EspSpi{8}};
  table_.do_(table_.node_.on_charon({kTunnel, kPeer, {{next, false, 0, EspSpi{0xc2}}}, "sealed", true, 1},
                                    table_.now_));
  table_.pass(milliseconds{50});
  EXPECT_EQ(table_.node_.replay_bound(table_.now_), 20U);  // charon leaves it in the kernel for a while
  EXPECT_TRUE(table_.node_.wants_windows());
  table_.do_(
      table_.node_.on_windows({{kWindow, 490}, {{kWindow.address, EspSpi{0xc2}}, 3}}, 60, table_.now_));
  EXPECT_EQ(table_.node_.exposed(), 1U);
  table_.do_(table_.node_.on_windows({{{kWindow.address, EspSpi{0xc2}}, 3}}, 60, table_.now_));
  table_.pass(milliseconds{50});
  EXPECT_EQ(table_.node_.exposed(), 0U);
  EXPECT_EQ(table_.node_.replay_bound(table_.now_), 0U);
  EXPECT_FALSE(table_.node_.wants_windows());
}

// What its vped has received is in no window here: no mark tells of it, and the bound does not count it.
TEST_F(WindowsOfAStandby, VpeIsOpenAfterAnyTakeoverUntilItIsRekeyed) {
  const OutboundKey vpe{kPeer, EspSpi{9}};
  const auto both =
      std::vector<OutboundSa>{{kOutbound, false, 0, kInbound}, {vpe, false, 0, EspSpi{0xc9}, true}};
  table_.do_(table_.node_.on_vpe(11, table_.now_));
  says(Delta{kTunnel, 2, kPeer, both, "sealed"});
  table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
  table_.pass(milliseconds{20});
  EXPECT_EQ(table_.node_.exposed_vpe(), 1U);
  owner_beats(500, Windows{.round = 3, .let_in = 500, .last = true, .tops = {{kWindow, 480}}});
  table_.seen_.clear();
  takes_over();
  EXPECT_EQ(table_.node_.exposed(), 0U);
  EXPECT_EQ(table_.node_.exposed_vpe(), 1U);
  EXPECT_EQ(all<RekeyChild>(table_.seen_), (std::vector{RekeyChild{kTunnel, vpe}}));
  table_.do_(table_.node_.on_charon({kTunnel, kPeer, {both[0]}, "sealed", true, 1}, table_.now_));
  table_.pass(milliseconds{50});
  EXPECT_EQ(table_.node_.exposed_vpe(), 1U);  // charon has it for what comes late
  table_.do_(table_.node_.on_windows({{kWindow, 490}}, 60, table_.now_));
  EXPECT_EQ(table_.node_.exposed_vpe(), 0U);
}

struct VpeOfAStandby : WindowsOfAStandby {
  VpeOfAStandby() {
    table_.do_(table_.node_.on_vpe(11, table_.now_));
    says(Delta{kTunnel, 2, kPeer, {{kVpe, false, 0, kVpeIn, true}}, "sealed"});
    table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
    table_.pass(milliseconds{20});
    owner_beats(500, Windows{.round = 3, .let_in = 500, .last = true, .tops = {}});
    table_.seen_.clear();
    takes_over();
  }
  void retired(std::uint64_t reception) {
    table_.do_(table_.node_.on_retired(kVpeIn, reception, table_.now_));
  }
  const OutboundKey kVpe{kPeer, EspSpi{9}};
  const EspSpi kVpeIn{0xc9};
};

TEST_F(VpeOfAStandby, IsClosedWhenThePeerHasGoneOnInFreshWindows) {
  ASSERT_EQ(table_.node_.role(), Role::Owner);
  const auto asked = all<AskFresh>(table_.seen_);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].children, (std::vector<AskFresh::Child>{{kTunnel, kVpeIn}}));
  retired(asked[0].reception - 1);
  EXPECT_EQ(table_.node_.exposed_vpe(), 1U) << "that was asked before this vped received here";
  retired(asked[0].reception);
  EXPECT_EQ(table_.node_.exposed_vpe(), 0U);
  table_.seen_.clear();
  table_.pass(seconds{40});
  EXPECT_EQ(count<AskFresh>(table_.seen_), 0U);
}

TEST_F(VpeOfAStandby, IsOpenAgainWhenItsVpedBeginsAnewAndOldAnswersDoNotCount) {
  const std::uint64_t first = all<AskFresh>(table_.seen_).at(0).reception;
  retired(first);
  table_.seen_.clear();
  table_.do_(table_.node_.on_vpe(12, table_.now_));
  EXPECT_EQ(table_.node_.exposed_vpe(), 1U);
  retired(first);
  EXPECT_EQ(table_.node_.exposed_vpe(), 1U);
  table_.pass(milliseconds{50});
  const auto asked = all<AskFresh>(table_.seen_);
  ASSERT_FALSE(asked.empty());
  retired(asked.back().reception);
  EXPECT_EQ(table_.node_.exposed_vpe(), 0U);
}

TEST_F(WindowsOfAStandby, WhatWasNotRekeyedIsAskedForAgain) {
  owner_beats(500, Windows{.round = 3, .let_in = 480, .last = true, .tops = {{kWindow, 480}}});
  takes_over();
  table_.pass(seconds{66});
  EXPECT_EQ(count<RekeyChild>(table_.seen_), 2U);
}

TEST_F(WindowsOfAStandby, AsTheOwnerItTellsItsReadingsAndAgainUntilTheyAreHeld) {
  owner_beats(500, Windows{.round = 3, .let_in = 500, .last = true, .tops = {{kWindow, 480}}});
  takes_over();
  table_.node_.on_let_in({70, table_.now_, table_.now_});
  table_.seen_.clear();
  table_.do_(table_.node_.on_windows({{{kWindow.address, kInbound}, 490}}, 60, table_.now_));
  const auto told = all<SendHeartbeat>(table_.seen_).back().heartbeat;
  ASSERT_TRUE(told.windows);
  EXPECT_EQ(told.windows->tops, (std::vector<InboundTop>{{kWindow, 490}}));
  EXPECT_EQ(told.windows->let_in, 60U);
  EXPECT_EQ(told.let_in, 70U);
  EXPECT_TRUE(told.acks.empty());
  table_.seen_.clear();
  table_.pass(milliseconds{300});
  const auto again = all<SendHeartbeat>(table_.seen_);
  EXPECT_TRUE(std::ranges::any_of(
      again, [](const SendHeartbeat& sent) { return sent.heartbeat.windows.has_value(); }));
}

// A receiver's socket holds some tens of datagrams.
TEST_F(WindowsOfAStandby, AsTheOwnerItTellsManyWindowsOverSomeTicksAndOneReadingToItsEnd) {
  owner_beats(500, Windows{.round = 3, .let_in = 500, .last = true, .tops = {{kWindow, 480}}});
  takes_over();
  std::vector<InboundTop> tops;
  for (std::uint32_t spi = 1; spi <= 10000; ++spi) tops.push_back({{kWindow.address, EspSpi{spi}}, 490});
  std::vector<Windows> told;
  const auto collect = [&] {
    std::size_t at_once = 0;
    for (const SendHeartbeat& sent : all<SendHeartbeat>(std::exchange(table_.seen_, {}))) {
      if (!sent.heartbeat.windows || sent.heartbeat.windows->parts < 100) continue;
      told.push_back(*sent.heartbeat.windows);
      ++at_once;
    }
    EXPECT_LE(at_once, 16U);
  };
  table_.seen_.clear();
  table_.do_(table_.node_.on_windows(tops, 60, table_.now_));
  collect();
  const std::uint64_t round = told.back().round;
  table_.do_(table_.node_.on_windows(tops, 60, table_.now_));  // the next reading waits
  collect();
  for (int tick = 0; tick < 8; ++tick) {
    table_.pass(milliseconds{10});
    collect();
  }
  ASSERT_EQ(told.size(), 125U);
  for (std::uint32_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(told[i].part, i);
    EXPECT_EQ(told[i].round, round);
  }
}

TEST_F(WindowsOfAStandby, AReadingWithoutAnSaOfTheLogCoversNothing) {
  owner_beats(500, Windows{.round = 3, .let_in = 500, .last = true, .tops = {{kWindow, 480}}});
  takes_over();
  table_.do_(table_.node_.on_windows({{kWindow, 490}}, 60, table_.now_));
  table_.seen_.clear();
  table_.do_(
      table_.node_.on_windows({}, 90, table_.now_));  // charon has deleted it, and the log does not know
  EXPECT_EQ(all<SendHeartbeat>(table_.seen_).back().heartbeat.windows->let_in, 60U);
}

}  // namespace
}  // namespace hasync::hasyncd
