// Two gateways without a witness (docs/decisions/0008-two-nodes.md): who may go on alone, from which state,
// and with which numbers.
#include <gtest/gtest.h>

#include "hasyncd/log/agreement.h"
#include "hasyncd/log/replica.h"

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

constexpr NodeId kOne{1};
constexpr NodeId kTwo{2};
constexpr Process kFirst{kOne, Incarnation{10}};
constexpr Process kSecond{kTwo, Incarnation{20}};
constexpr Instant kNow = milliseconds{1000};

// Node 1 of two, on a ring that it has to itself: what it says comes back.
class Alone {
 public:
  Alone(Process self, Epoch promised = {}, bool blank = false)
      : self_(self),
        agreement_({.self = self, .gateway = true, .blank = blank, .configured = {kOne, kTwo}}, promised,
                   promised) {}

  void do_(const AgreementActions& actions) {
    for (const AgreementAction& action : actions) {
      if (const auto* installed = std::get_if<Installed>(&action)) installs_.push_back(installed->install);
      const auto* said = std::get_if<Multicast>(&action);
      if (said == nullptr) continue;
      if (const auto* propose = std::get_if<Propose>(&said->body)) {
        proposals_.push_back(*propose);
        do_(agreement_.on_message(self_, *propose, mark_, kNow));
      } else if (const auto* sync = std::get_if<Sync>(&said->body)) {
        do_(agreement_.on_message(self_, *sync, kNow));
      }
    }
  }
  void view(const std::vector<NodeId>& nodes) { do_(agreement_.on_view(nodes, kNow)); }
  // The other answers the newest proposal.
  void answer(Sync sync) {
    sync.leader = self_;
    sync.epoch = sync.promised = proposals_.back().epoch;
    sync.gateway = true;
    do_(agreement_.on_message(kSecond, sync, kNow));
  }

  Process self_;
  Agreement agreement_;
  StateMark mark_;
  std::vector<Install> installs_;
  std::vector<Propose> proposals_;
};

StateMark whole(Epoch epoch, bool owner) {
  return {.epoch = epoch, .index = kBeginning, .digest = 7, .whole = true, .owner = owner};
}

TEST(TwoNodes, TheKeeperGoesOnAloneAndNobodyElse) {
  for (const auto& [keeper, goes_on] : {std::pair{kOne, true}, {kTwo, false}, {kNobody, false}}) {
    Alone node(kFirst, Epoch{5});
    node.mark_ = whole(Epoch{5}, true);
    node.agreement_.keeper(keeper);
    node.view({kOne});
    EXPECT_EQ(node.installs_.size(), goes_on ? 1U : 0U) << keeper.value;
  }
}

// The ring may have come and gone while they met: then either has installed the higher epoch.
TEST(TwoNodes, OfTwoThatWentOnAloneTheOneThatBeganAnewStays) {
  const auto reference = [](Epoch mine, Epoch others, bool other_lone) {
    Alone node(kFirst, mine);
    node.mark_ = whole(mine, true);
    node.mark_.lone = true;
    node.mark_.begun = Epoch{1};
    node.agreement_.keeper(kOne);
    node.view({kOne, kTwo});
    node.answer({.confirmed = others,
                 .state_epoch = others,
                 .index = kBeginning,
                 .digest = 8,
                 .has_state = true,
                 .lone = other_lone,
                 .of_two = true,
                 .begun = Epoch{11}});
    return node.installs_.empty() ? kNobody : node.installs_.front().reference;
  };
  EXPECT_EQ(reference(Epoch{30}, Epoch{13}, true), kTwo);
  EXPECT_EQ(reference(Epoch{12}, Epoch{13}, true), kTwo);
  EXPECT_EQ(reference(Epoch{30}, Epoch{13}, false), kOne) << "a copy of what this node has gone on with";
}

TEST(TwoNodes, OnlyTheKeeperEvicts) {
  for (const NodeId keeper : {kOne, kTwo}) {
    Alone node(kFirst, Epoch{5});
    node.mark_ = whole(Epoch{5}, keeper == kOne);
    node.agreement_.keeper(keeper);
    node.view({kOne, kTwo});
    node.answer(
        {.state_epoch = Epoch{5}, .index = kBeginning, .digest = 7, .has_state = true, .of_two = true});
    ASSERT_EQ(node.installs_.size(), 1U);
    EXPECT_EQ(node.agreement_.suspect(kTwo).empty(), keeper != kOne);
    node.do_(node.agreement_.on_message(kFirst, Evict{kTwo}, kNow));
    EXPECT_EQ(node.installs_.size(), keeper == kOne ? 2U : 1U);
  }
}

TEST(TwoNodes, ACopyIsNotUsedWhenItsOwnerMayHaveGoneOnAlone) {
  struct Case {
    Epoch confirmed_by_other;
    bool other_blank;
    bool owner;  // this node owns by its state
    bool sure;   // and knows that it has not handed over
    bool used;
  };
  for (const Case& one :
       {Case{Epoch{5}, false, false, false, true}, Case{Epoch{6}, false, false, false, false},
        Case{Epoch{}, true, false, false, false}, Case{Epoch{}, true, true, true, true},
        Case{Epoch{}, true, true, false, false}}) {
    Alone node(kFirst, Epoch{5});
    node.mark_ = whole(Epoch{5}, one.owner);
    node.agreement_.keeper(one.sure ? kOne : kNobody);
    node.view({kOne, kTwo});
    node.answer({.confirmed = one.confirmed_by_other, .blank = one.other_blank, .of_two = true});
    ASSERT_EQ(node.installs_.size(), 1U);
    EXPECT_EQ(node.installs_.front().reference, one.used ? kOne : kNobody);
  }
}

TEST(TwoNodes, TheOperatorsWordBeginsEmptyWhateverIsHeld) {
  Alone node(kFirst, Epoch{5});
  node.mark_ = whole(Epoch{5}, false);
  node.agreement_.keeper(kTwo);
  node.view({kOne});
  ASSERT_TRUE(node.installs_.empty());
  node.do_(node.agreement_.begin_alone(kNow));
  ASSERT_EQ(node.installs_.size(), 1U);
  EXPECT_EQ(node.installs_.front().reference, kNobody);
}

TEST(TwoNodes, TheOperatorsWordIsForgottenWhereTheOtherIsSeen) {
  Alone node(kFirst, Epoch{5});
  node.do_(node.agreement_.begin_alone(kNow));
  node.view({kOne, kTwo});
  node.view({kOne});
  EXPECT_TRUE(node.installs_.empty());
}

TEST(TwoNodes, EpochsThatEachInstallsAloneNeverHaveOneNumber) {
  for (const std::uint64_t promised : {5U, 6U}) {
    std::set<Epoch> numbers;
    for (const Process self : {kFirst, kSecond}) {
      Alone node(self, Epoch{promised});
      node.mark_ = whole(Epoch{promised}, true);
      node.agreement_.keeper(self.node);
      node.view({self.node});
      node.view({self.node});
      for (const Install& install : node.installs_) numbers.insert(install.epoch);
    }
    EXPECT_EQ(numbers.size(), 4U);
  }
}

TEST(TwoNodes, AStateOfOneAloneIsNotOlderThanWhatTheOtherConfirmedAlone) {
  for (const bool lone : {true, false}) {
    Alone node(kFirst, Epoch{5});
    node.mark_ = whole(Epoch{6}, true);
    node.mark_.lone = lone;
    node.view({kOne, kTwo});
    node.answer({.confirmed = Epoch{9}, .of_two = true});
    ASSERT_EQ(node.installs_.size(), 1U);
    EXPECT_EQ(node.installs_.front().reference, lone ? kOne : kNobody);
  }
}

TEST(TwoNodes, ConfiguredDifferentlyTheyAgreeOnNothing) {
  Alone node(kFirst, Epoch{5});
  node.view({kOne, kTwo});
  node.answer({.of_two = false});
  EXPECT_TRUE(node.installs_.empty());
}

}  // namespace
}  // namespace hasync::hasyncd
