#include "hasyncd/node/spending.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = seconds{10};
constexpr std::uint64_t kLeast = 1000;

class SpendingTest : public testing::Test {
 protected:
  Spending::Need judge(std::uint64_t used, Instant now, std::uint64_t left = 0) {
    return spending_.judge({key_, used, left, std::nullopt}, lease_, now);
  }

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
  lease_.left = kNumbers32;
  lease_.end = kNumbers32 + 10;
  const Spending::Need need = judge(kNumbers32 + 5, kStart);
  EXPECT_FALSE(need.rekey);
  EXPECT_EQ(need.end, kNumbers32 + 10 + kLeast);
}

// RFC 4303, appendix A2.1: a peer takes what is 2^31 ahead for something old.
TEST_F(SpendingTest, WithEsnTakeoversInWhichNothingLeavesEndInARekey) {
  lease_.esn = true;
  std::uint64_t takeovers = 0;
  while (!judge(lease_.floor - 1, kStart + seconds{takeovers}).rekey) {
    ++takeovers;
    lease_.floor = lease_.end;
    lease_.end += 1U << 20;
    ASSERT_LT(lease_.end, kNumbers32 / 2) << "too late";
  }
  EXPECT_GT(takeovers, 1000U);
}

TEST_F(SpendingTest, WithEsnWhatHasLeftIsWhereJumpsCountFrom) {
  lease_.esn = true;
  lease_.end = jump_limit(key_.spi) + 500;
  EXPECT_EQ(spending_.left(key_, lease_), 0U);
  EXPECT_FALSE(judge(lease_.end - 1, kStart, 600).rekey);
  EXPECT_EQ(spending_.left(key_, lease_), 600U);
  EXPECT_FALSE(judge(lease_.end - 1, kStart + seconds{1}).rekey) << "it is remembered";
  lease_.end += 200;
  EXPECT_TRUE(judge(lease_.end - 1, kStart + seconds{2}).rekey);
  lease_.left = 900;  // as an owner before has granted
  EXPECT_EQ(spending_.left(key_, lease_), 900U);
  EXPECT_FALSE(judge(lease_.end - 1, kStart + seconds{100}).rekey);
}

// SAs of one age and one speed: at most a few in the time in which a hundredth of them is due.
TEST(Rekeys, OfManySasAreSpreadOut) {
  constexpr std::size_t kSas = 10000;
  for (const auto from : {rekey_from, jump_limit}) {
    std::vector<std::uint64_t> at;
    for (std::uint32_t i = 0; i < kSas; ++i) at.push_back(from(EspSpi{0xc1000000U + i * 7}));
    std::ranges::sort(at);
    const std::uint64_t part = (at.back() - at.front()) / 100;
    for (std::size_t i = 0; i + kSas * 3 / 200 < kSas; ++i) ASSERT_GT(at[i + kSas * 3 / 200] - at[i], part);
    EXPECT_EQ(from(EspSpi{7}), from(EspSpi{7})) << "the same at every owner";
  }
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
