#include "hasyncd/log/agreement.h"

#include <gtest/gtest.h>

#include <map>

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

constexpr NodeId kOne{1};
constexpr NodeId kTwo{2};
constexpr NodeId kThree{3};

Process process(NodeId node) {
  return {node, Incarnation{node.value * 10}};
}

// Three nodes on a ring that delivers to all at once; what they multicast is delivered in order.
class AgreementTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const NodeId node : {kOne, kTwo, kThree}) make(node, Epoch{}, Epoch{}, true);
  }
  void make(NodeId node, Epoch promised, Epoch confirmed, bool blank) {
    agreements_.insert_or_assign(node, Agreement({.self = process(node),
                                                  .gateway = node != kThree,
                                                  .blank = blank,
                                                  .configured = {kOne, kTwo, kThree}},
                                                 promised, confirmed));
    marks_[node] = {};
  }
  void carry(NodeId by, const AgreementActions& actions) {
    for (const AgreementAction& action : actions) {
      if (const auto* multicast = std::get_if<Multicast>(&action)) ring_.push_back({by, multicast->body});
      if (const auto* installed = std::get_if<Installed>(&action)) {
        installs_[by].push_back(installed->install);
        marks_[by] = {.epoch = installed->install.epoch, .index = 2, .digest = 7, .whole = true};
      }
      if (std::holds_alternative<Excluded>(action)) excluded_.insert(by);
    }
  }
  void view(const std::vector<NodeId>& nodes) {
    here_ = nodes;
    for (const NodeId node : nodes) carry(node, agreements_.at(node).on_view(nodes, now_));
    deliver();
  }
  void deliver() {
    while (!ring_.empty()) {
      const auto [from, body] = ring_.front();
      ring_.erase(ring_.begin());
      for (const NodeId to : here_) {
        Agreement& agreement = agreements_.at(to);
        if (const auto* propose = std::get_if<Propose>(&body)) {
          carry(to, agreement.on_message(process(from), *propose, marks_[to], now_));
        } else {
          std::visit(
              [&, sender = process(from)](const auto& message) {
                if constexpr (!std::is_same_v<std::decay_t<decltype(message)>, Propose>) {
                  carry(to, agreement.on_message(sender, message, now_));
                }
              },
              body);
        }
      }
    }
  }
  void tick(Duration later) {
    now_ += later;
    for (const NodeId node : here_) carry(node, agreements_.at(node).on_tick(now_));
    deliver();
  }
  void accuse(NodeId by, NodeId whom) {
    carry(by, agreements_.at(by).suspect(whom));
    deliver();
  }
  std::vector<NodeId> members(NodeId at) {
    std::vector<NodeId> out;
    for (const EpochMember& member : installs_.at(at).back().members) out.push_back(member.process.node);
    return out;
  }

  Instant now_ = milliseconds{1000};
  std::map<NodeId, Agreement> agreements_;
  std::map<NodeId, StateMark> marks_;
  std::map<NodeId, std::vector<Install>> installs_;
  std::set<NodeId> excluded_;
  std::vector<NodeId> here_;
  std::vector<std::pair<NodeId, std::variant<Propose, Sync, Evict, Hello>>> ring_;
};

TEST_F(AgreementTest, FoundersBeginEmptyAndAllInstallTheSame) {
  view({kOne, kTwo, kThree});
  const Install expected{
      Epoch{1},
      {{process(kOne), true, false}, {process(kTwo), true, false}, {process(kThree), false, false}},
      kNobody};
  for (const NodeId node : here_) EXPECT_EQ(installs_[node], std::vector{expected});
}

TEST_F(AgreementTest, AMinorityInstallsNothing) {
  view({kOne});
  EXPECT_TRUE(installs_.empty());
  EXPECT_TRUE(agreements_.at(kOne).frozen());
}

TEST_F(AgreementTest, AProposalWithoutItsProposerWithoutAMajorityOrWithANodeTwiceIsNotAnswered) {
  view({kOne, kTwo, kThree});
  Agreement& asked = agreements_.at(kOne);
  const auto answer = [&](const Propose& propose) {
    return asked.on_message(process(kTwo), propose, marks_[kOne], now_);
  };
  EXPECT_TRUE(answer({Epoch{9}, {kOne, kThree}, {kTwo}}).empty());
  EXPECT_TRUE(answer({Epoch{9}, {kTwo}, {kOne, kThree}}).empty());
  EXPECT_TRUE(answer({Epoch{9}, {kOne, kTwo}, {kTwo, kThree}}).empty());
  EXPECT_FALSE(answer({Epoch{9}, {kOne, kTwo}, {kThree}}).empty());
  // A state comes from a member of the round only.
  Sync stranger{.leader = process(kTwo), .epoch = Epoch{9}, .promised = Epoch{9}};
  EXPECT_TRUE(asked.on_message(process(kThree), stranger, now_).empty());
}

TEST_F(AgreementTest, NobodyIsExcludedByItsOwnWord) {
  view({kOne, kTwo, kThree});
  for (const NodeId by : {kTwo, kTwo, kThree})
    EXPECT_TRUE(agreements_.at(kOne).on_message(process(by), Evict{by}, now_).empty());
}

TEST_F(AgreementTest, WhoComesLaterIsNeedyAndTheOthersAreTheReference) {
  view({kOne, kTwo});
  view({kOne, kTwo, kThree});
  const Install& install = installs_[kThree].back();
  EXPECT_EQ(install.reference, kOne);
  EXPECT_TRUE(install.find(kThree)->needy);
  EXPECT_FALSE(install.find(kTwo)->needy);
}

TEST_F(AgreementTest, AnOwnerGoesBeforeALongerLogOfTheSameEpoch) {
  view({kOne, kTwo, kThree});
  marks_[kOne].index = 9;
  marks_[kTwo].index = 8;
  marks_[kTwo].owner = true;
  view({kOne, kTwo});
  EXPECT_EQ(installs_[kOne].back().reference, kTwo);
  EXPECT_TRUE(installs_[kOne].back().find(kOne)->needy);
}

TEST_F(AgreementTest, ALeaderThatPromisedLessIsRefusedOnceAndProposesAbove) {
  make(kOne, Epoch{2}, Epoch{}, false);
  make(kTwo, Epoch{7}, Epoch{}, false);
  view({kOne, kTwo});
  EXPECT_EQ(installs_[kTwo].back().epoch, Epoch{8});
}

TEST_F(AgreementTest, MembersWithoutMemoryDoNotMakeAMajority) {
  make(kTwo, Epoch{7}, Epoch{}, false);
  view({kOne, kTwo});
  EXPECT_TRUE(installs_.empty());
}

TEST_F(AgreementTest, AStateOlderThanWhatSomebodyConfirmedIsNoReference) {
  view({kOne, kTwo, kThree});
  agreements_.at(kOne).confirm();
  make(kThree, Epoch{5}, Epoch{5}, false);
  installs_.clear();
  view({kOne, kThree});
  EXPECT_TRUE(installs_.empty());
}

TEST_F(AgreementTest, WithEverybodyHereWhatIsLostIsKnownToBe) {
  view({kOne, kTwo, kThree});
  make(kThree, Epoch{5}, Epoch{5}, false);
  view({kOne, kTwo, kThree});
  EXPECT_EQ(installs_[kOne].back().reference, kNobody);
}

TEST_F(AgreementTest, OneAccuserEvictsNobody) {
  view({kOne, kTwo, kThree});
  accuse(kTwo, kOne);
  EXPECT_TRUE(excluded_.empty());
  EXPECT_EQ(installs_[kTwo].size(), 1U);
}

TEST_F(AgreementTest, AMajorityEvictsAndTheRestGoOn) {
  view({kOne, kTwo, kThree});
  accuse(kTwo, kOne);
  accuse(kThree, kOne);
  EXPECT_EQ(excluded_, std::set{kOne});
  EXPECT_FALSE(agreements_.at(kOne).current().has_value());
  EXPECT_EQ(members(kTwo), (std::vector{kTwo, kThree}));
}

// Behind the proposal, and before the answers that bring it about.
TEST_F(AgreementTest, AnAccusationOfWhoHasAnsweredSinceDoesNotCountAnyMore) {
  for (const NodeId node : {kOne, kTwo, kThree})
    carry(node, agreements_.at(node).on_view({kOne, kTwo, kThree}, now_));
  here_ = {kOne, kTwo, kThree};
  ring_.push_back({kTwo, Evict{kThree}});
  deliver();
  ASSERT_EQ(members(kOne).size(), 3U);
  accuse(kOne, kThree);
  EXPECT_TRUE(excluded_.empty());
  accuse(kTwo, kThree);
  EXPECT_EQ(excluded_, std::set{kThree});
}

TEST_F(AgreementTest, ALateTickOfItsOwnJudgesNobodyOnce) {
  Agreement& one = agreements_.at(kOne);
  here_ = {kOne};
  carry(kOne, one.on_view({kOne, kTwo, kThree}, now_));
  deliver();
  ASSERT_EQ(one.overdue(now_ + milliseconds{200}), (std::vector{kTwo, kThree}));
  now_ += milliseconds{300};
  one.forgive(milliseconds{300}, now_);
  EXPECT_TRUE(one.overdue(now_).empty());
  EXPECT_TRUE(one.on_tick(now_).empty());
  EXPECT_EQ(one.overdue(now_ + milliseconds{200}).size(), 2U);
  one.forgive(milliseconds{200}, now_ += milliseconds{200});
  EXPECT_EQ(one.on_tick(now_).size(), 1U) << "proposes again, however late all its ticks are";
}

TEST_F(AgreementTest, AnEvictedNodeComesBackWithItsHello) {
  view({kOne, kTwo, kThree});
  accuse(kTwo, kOne);
  accuse(kThree, kOne);
  tick(milliseconds{1100});
  EXPECT_EQ(members(kTwo), (std::vector{kOne, kTwo, kThree}));
  EXPECT_TRUE(installs_[kTwo].back().find(kOne)->needy);
}

// It made its proposal before it learned that it is out; it may be stopped by now and never answer.
TEST_F(AgreementTest, TheProposalOfAnEvictedNodeHoldsUpNobody) {
  view({kOne, kTwo, kThree});
  accuse(kTwo, kOne);
  ring_.push_back({kThree, Evict{kOne}});
  ring_.push_back({kOne, Propose{.epoch = Epoch{5}, .members = {kOne, kTwo, kThree}}});
  deliver();
  EXPECT_EQ(excluded_, std::set{kOne});
  EXPECT_FALSE(agreements_.at(kTwo).frozen());
  EXPECT_EQ(members(kTwo), (std::vector{kTwo, kThree}));
  EXPECT_FALSE(agreements_.at(kTwo).is_candidate(kOne));
}

TEST_F(AgreementTest, AProposalThatComesAfterTheEpochWithoutItsLeaderChangesNothing) {
  view({kOne, kTwo, kThree});
  accuse(kTwo, kOne);
  accuse(kThree, kOne);
  const Epoch installed = installs_[kTwo].back().epoch;
  ring_.push_back({kOne, Propose{.epoch = Epoch{9}, .members = {kOne, kTwo, kThree}}});
  deliver();
  EXPECT_FALSE(agreements_.at(kTwo).frozen());
  EXPECT_EQ(agreements_.at(kTwo).current()->epoch, installed);
}

TEST_F(AgreementTest, WhoIsEvictedAgainAndAgainComesBackMoreAndMoreSeldom) {
  view({kOne, kTwo, kThree});
  const auto evict = [this] {
    accuse(kTwo, kOne);
    accuse(kThree, kOne);
  };
  evict();
  tick(milliseconds{1100});
  ASSERT_TRUE(agreements_.at(kOne).current().has_value());
  evict();
  tick(milliseconds{1100});
  EXPECT_FALSE(agreements_.at(kOne).current().has_value());
  tick(milliseconds{1000});
  ASSERT_TRUE(agreements_.at(kOne).current().has_value());
  tick(milliseconds{4100});  // stays in for long enough
  evict();
  tick(milliseconds{1100});
  EXPECT_TRUE(agreements_.at(kOne).current().has_value());
}

TEST_F(AgreementTest, ANewViewForgetsAllEvictions) {
  view({kOne, kTwo, kThree});
  accuse(kTwo, kOne);
  accuse(kThree, kOne);
  view({kOne, kTwo, kThree});
  EXPECT_EQ(members(kTwo), (std::vector{kOne, kTwo, kThree}));
}

TEST_F(AgreementTest, ConfirmingWritesTheEpochOnce) {
  view({kOne, kTwo, kThree});
  EXPECT_EQ(agreements_.at(kOne).confirm(), (AgreementActions{Persist{Epoch{1}, Epoch{1}}}));
  EXPECT_TRUE(agreements_.at(kOne).confirm().empty());
}

}  // namespace
}  // namespace hasync::hasyncd
