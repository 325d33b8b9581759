#include "hasyncd/fence/clocks.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A machine that has been suspended for so long altogether; reading its clocks takes so long before and
// after.
class ClocksTest : public testing::Test {
 protected:
  Duration read(Duration before = microseconds{1}, Duration after = microseconds{1}) {
    return clocks_.suspended({now_, now_ + before + suspended_, now_ + before + after});
  }
  void pass(Duration time) { now_ += time; }
  void suspend(Duration time) { suspended_ += time; }

  Clocks clocks_;
  Instant now_ = seconds{100};
  Duration suspended_ = seconds{7};  // before this process began
};

TEST_F(ClocksTest, WhatWasBeforeTheFirstReadingIsNoSuspension) {
  EXPECT_EQ(read(), Duration{});
}

TEST_F(ClocksTest, ASuspensionIsFoundOnce) {
  read();
  pass(milliseconds{4});
  suspend(seconds{5});
  EXPECT_GE(read(), seconds{5} - microseconds{2});
  pass(milliseconds{10});
  EXPECT_EQ(read(), Duration{});
  suspend(milliseconds{1});
  EXPECT_GT(read(), Duration{});
}

TEST_F(ClocksTest, AProcessThatDoesNotRunWhileItReadsWasNotSuspended) {
  read();
  for (const Duration before : {microseconds{1}, microseconds{700'000}}) {
    for (const Duration after : {microseconds{1}, microseconds{900'000}}) {
      EXPECT_EQ(read(before, after), Duration{});
      pass(seconds{1});
    }
  }
  suspend(milliseconds{3});
  EXPECT_GT(read(), Duration{}) << "slow readings do not hide one that comes later";
}

}  // namespace
}  // namespace hasync::hasyncd
