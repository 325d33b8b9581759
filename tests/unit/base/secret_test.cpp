#include "base/secret.h"

#include <gtest/gtest.h>

#include <array>
#include <type_traits>

namespace hasync {
namespace {

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);

TEST(Secret, MovesAndLeavesNothingBehind) {
  const std::array<std::uint8_t, 4> bytes{1, 2, 3, 4};
  Secret first{bytes};
  Secret second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  ASSERT_EQ(second.reveal().size(), 4U);
  EXPECT_EQ(second.reveal()[3], 4);
}

}  // namespace
}  // namespace hasync
