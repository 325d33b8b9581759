#include "hasyncd/stable_times.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

std::uint64_t count(const StableTimes& times) {
  std::uint64_t out = 0;
  for (const std::uint64_t one : times.times().counts) out += one;
  return out;
}

class StableTimesTest : public testing::Test {
 protected:
  StableTimesTest() { times_.stable(Epoch{1}, 2, milliseconds{0}); }
  StableTimes times_;
};

TEST_F(StableTimesTest, RunsFromTheProposalUntilItsPositionIsStable) {
  times_.sent(7, milliseconds{10});
  times_.sent(8, milliseconds{12});
  times_.delivered(7, 3);
  times_.delivered(8, 4);
  times_.delivered(99, 5);  // not one of ours
  times_.stable(Epoch{1}, 3, milliseconds{13});
  EXPECT_EQ(count(times_), 1U);
  EXPECT_DOUBLE_EQ(times_.times().sum, 0.003);
  EXPECT_EQ(times_.times().counts[2], 1U) << "above 2 ms, up to 5 ms";
  times_.stable(Epoch{1}, 9, milliseconds{5012});
  EXPECT_EQ(times_.times().counts.back(), 1U) << "above all bounds";
  times_.stable(Epoch{1}, 9, milliseconds{6000});
  EXPECT_EQ(count(times_), 2U);
}

TEST_F(StableTimesTest, WhatANewEpochVoidsIsNotTimed) {
  times_.sent(7, milliseconds{10});
  times_.sent(8, milliseconds{10});
  times_.delivered(7, 3);
  times_.stable(Epoch{2}, 9, milliseconds{20});
  times_.delivered(8, 3);
  times_.stable(Epoch{2}, 9, milliseconds{30});
  EXPECT_EQ(count(times_), 0U);
}

TEST_F(StableTimesTest, IsBounded) {
  for (std::uint64_t number = 1; number <= 2 * StableTimes::kMost; ++number) {
    times_.sent(number, milliseconds{1});
    times_.delivered(number, 2 + number);
  }
  times_.stable(Epoch{1}, 1U << 20U, milliseconds{2});
  EXPECT_EQ(count(times_), StableTimes::kMost);
}

}  // namespace
}  // namespace hasync::hasyncd
