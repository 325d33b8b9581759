#include "vped/retirements.h"

#include <gtest/gtest.h>

namespace hasync::vped {
namespace {

using std::chrono::seconds;

constexpr EspSpi kOne{0x1001}, kTwo{0x1002};
const Retirements::Time kStart{seconds{1000}};

TEST(Retirements, WaitForWhatIsOnTheWay) {
  Retirements all;
  EXPECT_EQ(all.next(), std::nullopt);
  all.told({kOne, 3, 7}, kStart);
  all.told({kTwo, 1, 7}, kStart + seconds{5});
  EXPECT_EQ(all.next(), kStart + Retirements::kOnTheWay);
  EXPECT_TRUE(all.due(kStart).empty());
  EXPECT_EQ(all.due(kStart + seconds{1}), (std::vector<Retirements::Due>{{kOne, 3, 7}}));
  EXPECT_TRUE(all.due(kStart + seconds{1}).empty()) << "each once";
  EXPECT_EQ(all.next(), kStart + seconds{6});
}

TEST(Retirements, TheHigherIncarnationCountsAndItsTime) {
  Retirements all;
  all.told({kOne, 3, 7}, kStart);
  all.told({kOne, 4, 8}, kStart + seconds{1});
  all.told({kOne, 2, 6}, kStart + seconds{2});
  EXPECT_TRUE(all.due(kStart + seconds{1}).empty());
  EXPECT_EQ(all.due(kStart + seconds{2}), (std::vector<Retirements::Due>{{kOne, 4, 8}}));
}

TEST(Retirements, OfWhatIsGoneThereAreNone) {
  Retirements all;
  all.told({kOne, 3, 7}, kStart);
  all.gone(kOne);
  EXPECT_EQ(all.next(), std::nullopt);
  EXPECT_TRUE(all.due(kStart + seconds{9}).empty());
}

}  // namespace
}  // namespace hasync::vped
