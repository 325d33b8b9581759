#include "hasyncd/fence/permission.h"

#include <gtest/gtest.h>

#include "hasyncd/fence/silence.h"

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

constexpr Process kOne{NodeId{1}, Incarnation{10}};
constexpr Process kTwo{NodeId{2}, Incarnation{20}};
constexpr Process kThree{NodeId{3}, Incarnation{30}};

Ack ack(Duration sent, Process of = kOne) {
  return {of, static_cast<std::uint64_t>(sent.count())};
}

class PermissionTest : public testing::Test {
 protected:
  PermissionTest() {
    permission_.install({Epoch{4}, {{kOne, true, false}, {kTwo, true, false}, {kThree}}, NodeId{1}});
  }
  Permission permission_{kOne, 2, {.fence = milliseconds{80}}};
};

TEST_F(PermissionTest, CountsFromTheSendTimeOfTheNewestHeartbeatOfAMajority) {
  permission_.acknowledged(kTwo, Epoch{4}, ack(milliseconds{1000}));
  permission_.acknowledged(kThree, Epoch{4}, ack(milliseconds{1010}));
  EXPECT_EQ(permission_.deadline(milliseconds{1050}), milliseconds{1090});
}

TEST(PermissionOfTwo, AnOwnerNeedsNobodyAndANewOneHearsEveryMember) {
  Permission permission(kOne, 2, {.fence = milliseconds{80}}, true);
  permission.install({Epoch{4}, {{kOne, true, false}, {kTwo, true, false}}, NodeId{1}});
  EXPECT_EQ(permission.deadline(milliseconds{1050}), milliseconds{1130});
  EXPECT_FALSE(permission.majority_heard());
  permission.heard(kTwo, Epoch{4}, 6);
  EXPECT_TRUE(permission.majority_heard());
  permission.install({Epoch{6}, {{kOne, true, false}}, NodeId{1}});
  EXPECT_TRUE(permission.majority_heard());
}

TEST(PermissionWithoutEpoch, IsNoneAndHearsNobody) {
  Permission permission(kOne, 2, {.fence = milliseconds{80}});
  permission.heard(kTwo, Epoch{4}, 6);
  permission.acknowledged(kTwo, Epoch{4}, ack(milliseconds{1000}));
  EXPECT_TRUE(permission.honoured().empty());
  EXPECT_FALSE(permission.majority_heard());
  EXPECT_EQ(permission.deadline(milliseconds{1050}), std::nullopt);
}

TEST_F(PermissionTest, HonoursNobodyWhoIsNoMember) {
  permission_.heard({NodeId{2}, Incarnation{21}}, Epoch{4}, 6);
  permission_.heard({NodeId{9}, Incarnation{90}}, Epoch{4}, 6);
  EXPECT_TRUE(permission_.honoured().empty());
}

TEST_F(PermissionTest, WithoutAMajorityThereIsNone) {
  EXPECT_EQ(permission_.deadline(milliseconds{1050}), std::nullopt);
}

TEST_F(PermissionTest, AnAckFromTheFutureGivesNoMoreThanNow) {
  permission_.acknowledged(kTwo, Epoch{4}, ack(milliseconds{9000}));
  EXPECT_EQ(permission_.deadline(milliseconds{1000}), milliseconds{1080});
}

TEST_F(PermissionTest, AcksOfAnotherEpochProcessOrRunAreIgnored) {
  permission_.acknowledged(kTwo, Epoch{3}, ack(milliseconds{1000}));
  permission_.acknowledged({NodeId{2}, Incarnation{21}}, Epoch{4}, ack(milliseconds{1000}));
  permission_.acknowledged(kTwo, Epoch{4}, ack(milliseconds{1000}, {NodeId{1}, Incarnation{11}}));
  EXPECT_EQ(permission_.deadline(milliseconds{1050}), std::nullopt);
}

TEST_F(PermissionTest, AnInstallForgetsWhatWasAcknowledged) {
  permission_.acknowledged(kTwo, Epoch{4}, ack(milliseconds{1000}));
  permission_.install({Epoch{5}, {{kOne, true, false}, {kTwo, true, false}}, NodeId{1}});
  EXPECT_EQ(permission_.deadline(milliseconds{1050}), std::nullopt);
}

TEST_F(PermissionTest, HonoursOnlyHeartbeatsThatNameItsOwnEpoch) {
  permission_.heard(kTwo, Epoch{3}, 5);
  EXPECT_FALSE(permission_.majority_heard());
  permission_.heard(kTwo, Epoch{4}, 6);
  EXPECT_TRUE(permission_.majority_heard());
  EXPECT_EQ(permission_.honoured(), (std::vector<Ack>{{kTwo, 6}}));
}

TEST(Silence, NamesWhoeverIsNotHeardForLongerThanTheLimit) {
  Silence silence(milliseconds{150});
  silence.watch({NodeId{2}, NodeId{3}}, milliseconds{1000});
  silence.heard(NodeId{2}, false, milliseconds{1100});
  EXPECT_EQ(silence.silent(milliseconds{1200}), std::vector{NodeId{3}});
}

TEST(Silence, NobodyIsJudgedByTheTimeWeOurselvesStoodStill) {
  Silence silence(milliseconds{150});
  silence.watch({NodeId{2}}, milliseconds{1000});
  silence.forgive(milliseconds{5000}, milliseconds{6010});
  EXPECT_TRUE(silence.silent(milliseconds{6100}).empty());
}

TEST(Silence, WhoIsAlwaysLateFindsAllTheSameThatItHearsNobody) {
  Silence silence(milliseconds{150});
  silence.watch({NodeId{2}}, milliseconds{0});
  for (int i = 1; i <= 10; ++i) silence.forgive(milliseconds{70}, milliseconds{70 * i});
  EXPECT_EQ(silence.heard_within(milliseconds{80}, milliseconds{700}), 0U);
  EXPECT_EQ(silence.silent(milliseconds{700}), std::vector{NodeId{2}});
  silence.heard(NodeId{2}, false, milliseconds{700});
  silence.forgive(milliseconds{500}, milliseconds{1210});
  EXPECT_TRUE(silence.silent(milliseconds{1340}).empty());
}

// What had come meanwhile is read before the late tick.
TEST(Silence, WhoWasHeardBehindTheGapIsNotHeardInTheFuture) {
  Silence silence(milliseconds{150});
  silence.watch({NodeId{2}, NodeId{3}}, milliseconds{1000});
  silence.heard(NodeId{2}, false, milliseconds{6005});
  silence.heard(NodeId{3}, true, milliseconds{6005});
  silence.forgive(milliseconds{5000}, milliseconds{6010});
  EXPECT_EQ(silence.last_heard(NodeId{2}), milliseconds{6010});
  EXPECT_EQ(silence.heard_within(milliseconds{80}, milliseconds{6091}), 0U);
  EXPECT_EQ(silence.silent(milliseconds{6161}), (std::vector{NodeId{2}, NodeId{3}}));
}

TEST(Silence, WhoSaysForTheLimitThatItIsDeafIsAsGoodAsSilent) {
  Silence silence(milliseconds{150});
  silence.watch({NodeId{2}}, milliseconds{1000});
  silence.heard(NodeId{2}, true, milliseconds{1100});
  silence.heard(NodeId{2}, true, milliseconds{1240});
  EXPECT_TRUE(silence.silent(milliseconds{1250}).empty());
  EXPECT_EQ(silence.silent(milliseconds{1251}), std::vector{NodeId{2}});
  silence.heard(NodeId{2}, false, milliseconds{1251});
  silence.heard(NodeId{2}, true, milliseconds{1260});
  EXPECT_TRUE(silence.silent(milliseconds{1300}).empty());
}

TEST(Silence, TellsWhenWhoIsWatchedWasHeard) {
  Silence silence(milliseconds{150});
  silence.watch({NodeId{2}}, milliseconds{1000});
  EXPECT_EQ(silence.last_heard(NodeId{2}), milliseconds{1000});
  EXPECT_EQ(silence.last_heard(NodeId{3}), std::nullopt);
}

TEST(Silence, CountsWhoWasHeardOfLate) {
  Silence silence(milliseconds{150});
  silence.watch({NodeId{2}, NodeId{3}}, milliseconds{1000});
  silence.heard(NodeId{2}, false, milliseconds{1090});
  EXPECT_EQ(silence.heard_within(milliseconds{80}, milliseconds{1080}), 2U);
  EXPECT_EQ(silence.heard_within(milliseconds{80}, milliseconds{1170}), 1U);
  EXPECT_EQ(silence.heard_within(milliseconds{80}, milliseconds{1171}), 0U);
}

}  // namespace
}  // namespace hasync::hasyncd
