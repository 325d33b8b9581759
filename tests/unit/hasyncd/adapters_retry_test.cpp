#include <gtest/gtest.h>

#include "hasyncd/adapters/retry_timer.h"

namespace hasync::hasyncd {
namespace {

TEST(RetryTimer, TriesUntilItWorks) {
  boost::asio::io_context io{1};
  RetryTimer timer(io);
  int tries = 0;
  timer.start([&] { return ++tries == 3; });
  EXPECT_EQ(tries, 0);  // from the loop only
  io.run();
  EXPECT_EQ(tries, 3);
}

TEST(RetryTimer, StopsAlsoFromInsideAnAttempt) {
  boost::asio::io_context io{1};
  RetryTimer timer(io);
  int tries = 0;
  timer.start([&] {
    ++tries;
    timer.stop();
    return false;
  });
  io.run();
  EXPECT_EQ(tries, 1);
}

TEST(RetryTimer, ASecondStartReplacesTheFirstAlsoFromInside) {
  boost::asio::io_context io{1};
  RetryTimer timer(io);
  int first = 0;
  int second = 0;
  timer.start([&] {
    ++first;
    timer.start([&] { return ++second == 2; });
    return true;
  });
  io.run();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 2);
}

}  // namespace
}  // namespace hasync::hasyncd
