#include "hasyncd/node/spending.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = seconds{10};
constexpr std::uint64_t kLeast = 1000;

class SpendingTest : public testing::Test {
 protected:
  Spending::Need judge(std::uint64_t used, Instant now) { return spending_.judge(key_, lease_, used, now); }

  OutboundKey key_{Address::v4(192, 0, 2, 1), EspSpi{7}};
  LeaseState lease_{SaId{1, 2}, 1, 1001, false};
  Spending spending_{kLeast};
};

TEST_F(SpendingTest, ASlowSaAsksForTheLeastWhenHalfIsSpent) {
  EXPECT_EQ(judge(500, kStart).end, 0U);
  EXPECT_EQ(judge(501, kStart + seconds{1}).end, 2001U);
}

TEST_F(SpendingTest, AFastSaAsksForOneSecondOfItsPeak) {
  judge(1, kStart);
  EXPECT_EQ(judge(501, kStart + milliseconds{100}).end, 1001U + 5000U);
  lease_.end = 6001;
  EXPECT_EQ(judge(502, kStart + seconds{5}).end, 0U);  // the peak stays
  EXPECT_EQ(judge(3502, kStart + seconds{6}).end, 11001U);
}

TEST_F(SpendingTest, ALeaseLastsAsLongAsIsAskedForAtThePeak) {
  spending_.leases_last(milliseconds{300});  // a second all the same
  judge(1, kStart);
  EXPECT_EQ(judge(501, kStart + milliseconds{100}).end, 1001U + 5000U);
  spending_.leases_last(seconds{4});
  EXPECT_EQ(judge(502, kStart + milliseconds{150}).end, 1001U + 20000U);
}

TEST_F(SpendingTest, ACounterThatWasSetIsNoSpeed) {
  judge(400, kStart);
  lease_.floor = 100'001;
  lease_.end = 101'001;
  judge(100'000, kStart + milliseconds{100});
  EXPECT_EQ(judge(100'600, kStart + seconds{2}).end, 102'001U);
}

TEST_F(SpendingTest, PastItsLeaseItIsToldOnceAndTheNextReachesBeyond) {
  EXPECT_EQ(judge(5000, kStart), (Spending::Need{.end = 6001, .overrun = true}));
  EXPECT_FALSE(judge(5001, kStart + milliseconds{10}).overrun);
  lease_.end = 7000;
  EXPECT_FALSE(judge(5002, kStart + milliseconds{20}).overrun);
  EXPECT_TRUE(judge(7000, kStart + milliseconds{30}).overrun);
  EXPECT_EQ(spending_.overruns(), 2U);
}

TEST_F(SpendingTest, NearTheEndOf32BitsItIsRekeyedAndAskedAgainLater) {
  lease_.end = kNumbers32;
  const std::uint64_t from = rekey_from(key_.spi);
  EXPECT_FALSE(judge(from - 1, kStart).rekey);
  EXPECT_TRUE(judge(from, kStart + milliseconds{10}).rekey);
  EXPECT_FALSE(judge(from, kStart + seconds{30}).rekey);
  EXPECT_TRUE(judge(from, kStart + seconds{61}).rekey);
  EXPECT_EQ(judge(kNumbers32 - 1, kStart + seconds{62}).end, 0U);  // no lease beyond
}

TEST_F(SpendingTest, TakeoversAloneSpendNumbersToo) {
  lease_.floor = lease_.end = kNumbers32;
  EXPECT_TRUE(judge(5, kStart).rekey);
}

TEST_F(SpendingTest, WithEsnThereIsNoEndToThem) {
  lease_.esn = true;
  lease_.end = kNumbers32 + 10;
  const Spending::Need need = judge(kNumbers32 + 5, kStart);
  EXPECT_FALSE(need.rekey);
  EXPECT_EQ(need.end, kNumbers32 + 10 + kLeast);
}

TEST(RekeyFrom, IsSpreadOverTheLastQuarter) {
  std::uint64_t lowest = kNumbers32;
  std::uint64_t highest = 0;
  for (std::uint32_t spi = 1; spi < 1000; ++spi) {
    lowest = std::min(lowest, rekey_from(EspSpi{spi}));
    highest = std::max(highest, rekey_from(EspSpi{spi}));
  }
  EXPECT_GE(lowest, kNumbers32 / 4 * 3);
  EXPECT_LT(highest, kNumbers32 / 8 * 7);
  EXPECT_GT(highest - lowest, kNumbers32 / 10);
}

}  // namespace
}  // namespace hasync::hasyncd
