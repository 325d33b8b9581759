#include "hasyncd/wire/replay_guard.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

constexpr Process kFirst{NodeId{1}, Incarnation{7}};
constexpr Process kRestarted{NodeId{1}, Incarnation{8}};
constexpr Process kOther{NodeId{2}, Incarnation{7}};

TEST(ReplayGuard, NumbersOfOneProcessAscend) {
  ReplayGuard guard;
  EXPECT_TRUE(guard.accept(kFirst, 5));
  EXPECT_FALSE(guard.accept(kFirst, 5));
  EXPECT_FALSE(guard.accept(kFirst, 4));
  EXPECT_TRUE(guard.accept(kFirst, 9));
  EXPECT_FALSE(guard.accept(kFirst, 6));
}

TEST(ReplayGuard, ProcessesCountForThemselves) {
  ReplayGuard guard;
  EXPECT_TRUE(guard.accept(kFirst, 5));
  EXPECT_TRUE(guard.accept(kOther, 1));
  EXPECT_TRUE(guard.accept(kRestarted, 1));
}

TEST(ReplayGuard, AnEarlierRunIsRememberedAfterARestart) {
  ReplayGuard guard;
  EXPECT_TRUE(guard.accept(kFirst, 5));
  EXPECT_TRUE(guard.accept(kRestarted, 1));
  EXPECT_FALSE(guard.accept(kFirst, 5));
}

TEST(ReplayGuard, MemoryIsBounded) {
  ReplayGuard guard;
  EXPECT_TRUE(guard.accept(kFirst, 5));
  for (std::uint64_t i = 0; i < ReplayGuard::kRuns; ++i) {
    EXPECT_TRUE(guard.accept({NodeId{1}, Incarnation{100 + i}}, 1));
  }
  EXPECT_TRUE(guard.accept(kFirst, 5));  // forgotten by now
}

}  // namespace
}  // namespace hasync::hasyncd
