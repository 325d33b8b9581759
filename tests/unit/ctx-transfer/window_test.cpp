#include "window.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace {

// A window that accepted the given numbers, in one of the two shapes.
struct Sample {
  hasync_window_t window{};
  std::vector<std::uint32_t> words;

  Sample(bool ring, std::uint32_t size, std::uint64_t top) : words((size + 31) / 32) {
    window = {ring, top, size, words.data(), words.size()};
  }
  void accept(std::uint64_t number) {
    const auto offset = static_cast<std::uint32_t>(window.top - number);
    const std::uint32_t top_place = (static_cast<std::uint32_t>(window.top) - 1) % window.window;
    const std::uint32_t place = window.ring ? (top_place + window.window - offset) % window.window : offset;
    words[place / 32] |= 1U << (place % 32);
  }
};

void check_conversion(bool from_ring, std::uint32_t from_size, bool to_ring, std::uint32_t to_size,
                      std::uint64_t top, std::mt19937& random) {
  Sample from(from_ring, from_size, top), to(to_ring, to_size, 0);
  std::set<std::uint64_t> accepted = {top};
  for (std::uint32_t offset = 1; offset < from_size && offset < top; ++offset) {
    if (random() % 2) accepted.insert(top - offset);
  }
  for (const auto number : accepted) from.accept(number);
  hasync_window_convert(&from.window, &to.window);
  EXPECT_EQ(to.window.top, top);
  for (std::uint32_t offset = 0; offset < to_size && offset < top; ++offset) {
    const bool known = offset < from_size;
    EXPECT_EQ(hasync_window_seen(&to.window, offset), !known || accepted.contains(top - offset))
        << "offset " << offset << " of " << top << ", " << from_size << " to " << to_size;
  }
}

TEST(ReplayWindow, KeepsWhatWasSeenInEveryShape) {
  std::mt19937 random(3);
  const std::vector<std::pair<bool, std::uint32_t>> shapes = {{false, 32}, {false, 20}, {true, 32},
                                                              {true, 64},  {true, 100}, {true, 4096}};
  for (const auto& [from_ring, from_size] : shapes) {
    for (const auto& [to_ring, to_size] : shapes) {
      for (const std::uint64_t top :
           {1ULL, 2ULL, 31ULL, 32ULL, 33ULL, 1000ULL, 0xffffffffULL, 0x100000001ULL, 0x700000064ULL}) {
        check_conversion(from_ring, from_size, to_ring, to_size, top, random);
      }
    }
  }
}

TEST(ReplayWindow, TheSameShapeIsCopiedBitByBit) {
  Sample from(true, 128, 500), to(true, 128, 0);
  for (const std::uint64_t number : {500U, 499U, 450U, 373U}) from.accept(number);
  hasync_window_convert(&from.window, &to.window);
  EXPECT_EQ(to.words, from.words);
}

TEST(ReplayWindow, WithoutABitmapEverythingCountsAsSeen) {
  hasync_window_t from{true, 1000, 128, nullptr, 0};
  Sample to(false, 32, 0);
  hasync_window_convert(&from, &to.window);
  EXPECT_EQ(to.words[0], 0xffffffffU);
}

TEST(ReplayWindow, OfAnUnusedSaStaysEmpty) {
  Sample from(false, 32, 0), to(true, 128, 0);
  hasync_window_convert(&from.window, &to.window);
  EXPECT_EQ(to.words, std::vector<std::uint32_t>(4, 0));
}

}  // namespace
