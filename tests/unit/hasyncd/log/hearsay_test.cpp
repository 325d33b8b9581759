#include "hasyncd/log/hearsay.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

constexpr Process kSelf{NodeId{1}, Incarnation{10}};
constexpr Process kTwo{NodeId{2}, Incarnation{20}};
constexpr Process kThree{NodeId{3}, Incarnation{30}};
constexpr Epoch kEpoch{4};

Mark mark(Process of, std::uint64_t sent, std::uint64_t index = 3) {
  return {.of = of, .index = index, .sent_ns = sent, .ready = true, .honours_ns = 70};
}

class HearsayTest : public testing::Test {
 protected:
  HearsayTest() { hearsay_.install({kEpoch, {{kSelf, true}, {kTwo, true}, {kThree}}, NodeId{1}}); }
  Hearsay hearsay_{kSelf};
};

TEST_F(HearsayTest, OnlyWhatIsNewerIsNews) {
  EXPECT_TRUE(hearsay_.learn(kEpoch, mark(kTwo, 100), kSelf));
  EXPECT_FALSE(hearsay_.learn(kEpoch, mark(kTwo, 100), kSelf));
  EXPECT_FALSE(hearsay_.learn(kEpoch, mark(kTwo, 99, 9), kSelf));
  EXPECT_TRUE(hearsay_.learn(kEpoch, mark(kTwo, 100, 4), kSelf));
  EXPECT_EQ(hearsay_.marks(kSelf), std::vector{mark(kTwo, 100, 4)});
}

TEST_F(HearsayTest, NobodyIsReadyWhoHasNotSaidSo) {
  EXPECT_FALSE(hearsay_.ready(NodeId{2}));
  hearsay_.learn(kEpoch, mark(kTwo, 100), kSelf);
  EXPECT_TRUE(hearsay_.ready(NodeId{2}));
  EXPECT_FALSE(hearsay_.ready(NodeId{9}));
}

TEST_F(HearsayTest, OtherEpochsOtherRunsAndOneselfAreNotSpokenOf) {
  EXPECT_FALSE(hearsay_.learn(Epoch{3}, mark(kTwo, 100), kSelf));
  EXPECT_FALSE(hearsay_.learn(kEpoch, mark({NodeId{2}, Incarnation{21}}, 100), kSelf));
  EXPECT_FALSE(hearsay_.learn(kEpoch, mark(kSelf, 100), kSelf));
  EXPECT_TRUE(hearsay_.marks(kSelf).empty());
}

TEST_F(HearsayTest, WhatWasGivenBackToAnotherOwnerIsNotPassedOnAsThisOnes) {
  hearsay_.learn(kEpoch, mark(kTwo, 100), kThree);
  EXPECT_EQ(hearsay_.marks(kSelf).front().honours_ns, 0U);
  EXPECT_EQ(hearsay_.marks(kThree).front().honours_ns, 70U);
}

TEST_F(HearsayTest, WhatACharonRefusesIsKeptUntilItsNodeSaysOtherwise) {
  hearsay_.learn_refused(kTwo, 4);
  hearsay_.learn_refused(kSelf, 5);
  hearsay_.learn(kEpoch, mark(kTwo, 100), kSelf);
  EXPECT_EQ(hearsay_.refused(kTwo.node), 4U);
  EXPECT_EQ(hearsay_.refused(kThree.node), 0U);
  EXPECT_EQ(hearsay_.refused(kSelf.node), 0U);
  hearsay_.learn_refused(kTwo, 0);
  EXPECT_EQ(hearsay_.refused(kTwo.node), 0U);
}

TEST_F(HearsayTest, AnInstallForgets) {
  hearsay_.learn(kEpoch, mark(kTwo, 100), kSelf);
  EXPECT_TRUE(hearsay_.ready(kTwo.node));
  hearsay_.install({Epoch{5}, {{kSelf, true}, {kTwo, true}}, NodeId{1}});
  EXPECT_FALSE(hearsay_.ready(kTwo.node));
  EXPECT_TRUE(hearsay_.marks(kSelf).empty());
}

TEST_F(HearsayTest, AHeartbeatInShortNamesWhatTheOwnerIsGivenBack) {
  const Heartbeat heartbeat{.from = kTwo,
                            .epoch = kEpoch,
                            .index = 3,
                            .digest = 8,
                            .sent_ns = 100,
                            .deaf = true,
                            .acks = {{kThree, 5}, {kSelf, 6}}};
  EXPECT_EQ(mark_of(heartbeat, kSelf),
            (Mark{.of = kTwo, .index = 3, .digest = 8, .sent_ns = 100, .deaf = true, .honours_ns = 6}));
  EXPECT_EQ(mark_of(heartbeat, {}).honours_ns, 0U);
}

}  // namespace
}  // namespace hasync::hasyncd
