#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace hasync {
namespace {

TEST(Result, HoldsAValue) {
  Result<int> r = 7;
  ASSERT_TRUE(r);
  EXPECT_EQ(*r, 7);
}

TEST(Result, HoldsAnError) {
  Result<int> r = invalid("field `port`: 70000 is above 65535");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::Invalid);
  EXPECT_EQ(r.error().what, "field `port`: 70000 is above 65535");
}

TEST(Result, GivesUpAMoveOnlyValue) {
  Result<std::unique_ptr<int>> r = std::make_unique<int>(3);
  std::unique_ptr<int> taken = *std::move(r);
  EXPECT_EQ(*taken, 3);
}

}  // namespace
}  // namespace hasync
