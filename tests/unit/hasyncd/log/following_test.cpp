#include "hasyncd/log/following.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

constexpr Duration kPatience = milliseconds{100};
constexpr Following::Position kHere{Epoch{4}, 7, 0};

// Whether a node that stays at `here` for as long as it is allowed is astray then, and not before.
bool astray(Following following, Following::Position here) {
  EXPECT_FALSE(following.astray(here, milliseconds{1000}));
  EXPECT_FALSE(following.astray(here, milliseconds{1099}));
  return following.astray(here, milliseconds{1100});
}

Following others_at(Epoch epoch, std::uint64_t index) {
  Following out(kPatience);
  out.heard(epoch, index);
  return out;
}

TEST(Following, WhoeverHasWhatTheOthersHaveIsNot) {
  EXPECT_FALSE(astray(Following(kPatience), kHere));
  EXPECT_FALSE(astray(others_at(Epoch{4}, 7), kHere));
  EXPECT_FALSE(astray(others_at(Epoch{3}, 900), kHere)) << "an epoch that is over";
}

TEST(Following, WhoeverStaysBehindAnotherMemberIs) {
  EXPECT_TRUE(astray(others_at(Epoch{4}, 8), kHere));
}

TEST(Following, WhoeverStaysInAnEarlierEpochIs) {
  EXPECT_TRUE(astray(others_at(Epoch{5}, 0), kHere));
}

TEST(Following, ProgressGivesTimeAgain) {
  Following following = others_at(Epoch{4}, 900);
  for (std::uint64_t i = 0; i < 50; ++i) {
    EXPECT_FALSE(following.astray({Epoch{4}, i, 0}, milliseconds{1000 + 50 * i}));
  }
  for (std::size_t parts = 1; parts < 50; ++parts) {
    EXPECT_FALSE(following.astray({Epoch{4}, 0, parts}, milliseconds{4000 + 50 * parts}));
  }
}

TEST(Following, ProgressInAnEpochThatIsOverIsNone) {
  Following following = others_at(Epoch{5}, 0);
  EXPECT_FALSE(following.astray({Epoch{4}, 7, 0}, milliseconds{1000}));
  EXPECT_TRUE(following.astray({Epoch{4}, 90, 0}, milliseconds{1100}));
}

TEST(Following, TimeInWhichThisProcessStoodStillIsNotCounted) {
  Following following = others_at(Epoch{4}, 8);
  EXPECT_FALSE(following.astray(kHere, milliseconds{1000}));
  following.forgive(milliseconds{5000}, milliseconds{6050});
  EXPECT_FALSE(following.astray(kHere, milliseconds{6000}));
  EXPECT_TRUE(following.astray(kHere, milliseconds{6100}));
}

TEST(Following, ANewProcessHasNotWaitedYet) {
  EXPECT_TRUE(astray(others_at(Epoch{5}, 0), {}));
}

TEST(Following, TheWaitBeginsAnewInAnotherGroup) {
  Following following = others_at(Epoch{4}, 8);
  EXPECT_FALSE(following.astray(kHere, milliseconds{500}));
  following.restart();
  following.heard(Epoch{4}, 8);
  EXPECT_TRUE(astray(following, kHere));
}

TEST(Following, AnotherGroupBeginsWithNobodyAhead) {
  Following following = others_at(Epoch{9}, 1);
  following.restart();
  EXPECT_FALSE(astray(following, kHere));
}

}  // namespace
}  // namespace hasync::hasyncd
