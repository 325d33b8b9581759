#include "hasyncd/node/fresh_windows.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hasync::hasyncd {
namespace {

using std::chrono::seconds;

const Instant kStart{seconds{1000}};

std::vector<EspSpi> spis(std::uint32_t count) {
  std::vector<EspSpi> out;
  for (std::uint32_t i = 0; i < count; ++i) out.push_back(EspSpi{0x1000 + i});
  return out;
}

TEST(FreshWindows, AreAskedForAtOnceButNotAllAtATime) {
  FreshWindows all;
  all.begin(spis(40));
  std::vector<EspSpi> asked;
  std::size_t most = 0;
  for (int tick = 0; tick < 10; ++tick) {
    const auto some = all.due(kStart);
    most = std::max(most, some.size());
    asked.insert(asked.end(), some.begin(), some.end());
  }
  std::ranges::sort(asked);
  EXPECT_EQ(asked, spis(40));
  EXPECT_LE(most, 16U);
}

TEST(FreshWindows, AreAskedForAFewTimesUntilTheyAreDone) {
  FreshWindows all;
  all.begin(spis(2));
  EXPECT_EQ(all.due(kStart).size(), 2U);
  EXPECT_TRUE(all.due(kStart + seconds{9}).empty());
  all.done(EspSpi{0x1000});
  EXPECT_EQ(all.due(kStart + seconds{10}), std::vector{EspSpi{0x1001}});
  EXPECT_EQ(all.due(kStart + seconds{20}), std::vector{EspSpi{0x1001}});
  EXPECT_TRUE(all.due(kStart + seconds{100}).empty());
}

TEST(FreshWindows, EachBeginningIsAnother) {
  FreshWindows all;
  all.begin(spis(1));
  all.begin({});
  EXPECT_EQ(all.begun(), 2U);
  EXPECT_TRUE(all.due(kStart).empty());
  all.add(EspSpi{7});
  EXPECT_EQ(all.due(kStart), std::vector{EspSpi{7}});
  EXPECT_EQ(all.begun(), 2U);
}

}  // namespace
}  // namespace hasync::hasyncd
