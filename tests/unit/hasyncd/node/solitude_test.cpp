#include "hasyncd/node/solitude.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

using std::chrono::seconds;

TEST(Solitude, SilenceOfOneThatWasNeverMetSaysNothing) {
  Solitude solitude{seconds{5}};
  solitude.seen(seconds{1});
  EXPECT_FALSE(solitude.says_dead(seconds{1000}));
}

TEST(Solitude, SaysDeadWhenTheSilenceHasLastedForAsLongAsToldAndNotBefore) {
  Solitude solitude{seconds{5}};
  solitude.together(seconds{10});
  EXPECT_FALSE(solitude.says_dead(seconds{15} - Duration{1}));
  EXPECT_TRUE(solitude.says_dead(seconds{15}));
  solitude.seen(seconds{15});
  EXPECT_FALSE(solitude.says_dead(seconds{19}));
}

TEST(Solitude, TimeInWhichThisProcessStoodStillIsNoSilence) {
  Solitude solitude{seconds{5}};
  solitude.together(seconds{10});
  solitude.forgive(seconds{30}, seconds{41});
  EXPECT_FALSE(solitude.says_dead(seconds{44}));
  EXPECT_TRUE(solitude.says_dead(seconds{45}));
  solitude.seen(seconds{49});
  solitude.forgive(seconds{4}, seconds{50});
  EXPECT_TRUE(solitude.says_dead(seconds{55})) << "seen before the late tick, not in the future";
}

TEST(Solitude, WhereNoneIsToldItSaysNothingEver) {
  Solitude solitude{std::nullopt};
  solitude.together(seconds{1});
  EXPECT_FALSE(solitude.says_dead(seconds{100000}));
}

}  // namespace
}  // namespace hasync::hasyncd
