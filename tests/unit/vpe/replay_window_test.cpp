#include "vpe/replay_window.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace hasync::vpe {
namespace {

constexpr std::uint64_t kLast = ~std::uint64_t{0};

// RFC 4303, section 3.4.3, word by word.
class NaiveWindow {
 public:
  explicit NaiveWindow(std::uint64_t bits) : bits_(bits) {}
  Verdict check(std::uint64_t number) const {
    if (number > top_) return Verdict::Fresh;
    if (number == 0 || number <= filled_ || top_ - number >= bits_)
      return number != 0 && top_ - number < bits_ ? Verdict::Replayed : Verdict::Late;
    return taken_.contains(number) ? Verdict::Replayed : Verdict::Fresh;
  }
  void take(std::uint64_t number) {
    taken_.insert(number);
    top_ = std::max(top_, number);
  }
  void fill_up_to(std::uint64_t number) {
    filled_ = std::max(filled_, number);
    top_ = std::max(top_, number);
  }

 private:
  std::uint64_t bits_;
  std::uint64_t top_ = 0;
  std::uint64_t filled_ = 0;
  std::set<std::uint64_t> taken_;
};

class Windows : public testing::TestWithParam<std::uint32_t> {};

TEST_P(Windows, AgreeWithTheNaiveOneOnRandomNumbers) {
  std::mt19937_64 random(GetParam());
  for (int round = 0; round < 60; ++round) {
    ReplayWindow window(GetParam());
    NaiveWindow naive(GetParam());
    std::uint64_t around = round % 3 == 0 ? 1 : random() >> (round % 40);
    for (int i = 0; i < 3000; ++i) {
      const std::uint64_t spread = i % 50 == 0 ? 4 * GetParam() : GetParam() + 8;
      const std::uint64_t number = around + random() % spread;
      ASSERT_EQ(window.check(number), naive.check(number)) << number << " with top " << window.top();
      if (window.check(number) == Verdict::Fresh) {
        window.take(number);
        naive.take(number);
      }
      if (i % 700 == 699) {
        const std::uint64_t mark = around + random() % spread;
        window.fill_up_to(mark);
        naive.fill_up_to(mark);
      }
      if (random() % 4 == 0) around += random() % 5;
    }
  }
}

TEST_P(Windows, AreExactlyAsWideAsTheySay) {
  ReplayWindow window(GetParam());
  window.take(100'000);
  EXPECT_EQ(window.check(100'000 - GetParam() + 1), Verdict::Fresh);
  EXPECT_EQ(window.check(100'000 - GetParam()), Verdict::Late);
}

TEST_P(Windows, HoldAtTheVeryEnd) {
  ReplayWindow window(GetParam());
  window.take(kLast - 1);
  EXPECT_EQ(window.check(kLast), Verdict::Fresh);
  window.take(kLast);
  EXPECT_EQ(window.check(kLast), Verdict::Replayed);
  EXPECT_EQ(window.check(kLast - 1), Verdict::Replayed);
  EXPECT_EQ(window.check(kLast - 2), Verdict::Fresh);
  EXPECT_EQ(window.check(1), Verdict::Late);
  EXPECT_EQ(window.check(0), Verdict::Late);
}

TEST_P(Windows, AFilledOneTakesOnlyWhatIsAbove) {
  ReplayWindow window(GetParam());
  window.fill_up_to(5000);
  for (std::uint64_t number = 4900; number <= 5000; ++number) EXPECT_NE(window.check(number), Verdict::Fresh);
  EXPECT_EQ(window.check(5001), Verdict::Fresh);
  window.take(5040);
  EXPECT_EQ(window.check(5039), Verdict::Fresh);
  EXPECT_EQ(window.check(5000), Verdict::Replayed);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Windows, testing::Values(64, 128, 1024, 65536));

TEST(ReplayWindows, NumberZeroIsNeverFresh) {
  ReplayWindow window(64);
  EXPECT_EQ(window.check(0), Verdict::Late);
  EXPECT_EQ(window.check(1), Verdict::Fresh);
}

TEST(ReplayWindows, SizesArePowersOfTwo) {
  EXPECT_TRUE(is_window_size(64));
  EXPECT_TRUE(is_window_size(65536));
  EXPECT_FALSE(is_window_size(0));
  EXPECT_FALSE(is_window_size(32));
  EXPECT_FALSE(is_window_size(1000));
  EXPECT_FALSE(is_window_size(131072));
}

}  // namespace
}  // namespace hasync::vpe
