// One replay window: which numbers were taken (RFC 4303, section 3.4.3). A ring of exactly as many bits as
// the window is wide; moving on shifts nothing.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace hasync::vpe {

inline constexpr std::uint32_t kSmallestWindow = 64;
inline constexpr std::uint32_t kLargestWindow = 65536;
constexpr bool is_window_size(std::uint32_t bits) {
  return std::has_single_bit(bits) && bits >= kSmallestWindow && bits <= kLargestWindow;
}

enum class Verdict : std::uint8_t { Fresh, Replayed, Late };

class ReplayWindow {
 public:
  explicit ReplayWindow(std::uint32_t bits)  // a window's size
      : bits_(bits), taken_(std::make_unique<std::uint64_t[]>(bits / 64)) {}

  // Before decryption: cheap, changes nothing.
  Verdict check(std::uint64_t number) const {
    if (number > top_) return Verdict::Fresh;
    if (number == 0 || top_ - number >= bits_) return Verdict::Late;
    return (taken_[slot(number)] & bit(number)) != 0 ? Verdict::Replayed : Verdict::Fresh;
  }
  // When it is authentic, and check() still finds it fresh.
  void take(std::uint64_t number) {
    if (number > top_) {
      if (number - top_ > 1) set(top_ + 1, number - top_ - 1, false);
      top_ = number;
    }
    taken_[slot(number)] |= bit(number);
  }
  // Everything up to here counts as taken.
  void fill_up_to(std::uint64_t number) {
    if (number > top_) take(number);
    const std::uint64_t left = top_ - number;  // in the window, and not filled
    if (left < bits_) set(number - (bits_ - left) + 1, bits_ - left, true);
  }
  std::uint64_t top() const { return top_; }  // highest number taken; 0: none
  std::uint32_t bits() const { return static_cast<std::uint32_t>(bits_); }

 private:
  std::size_t slot(std::uint64_t number) const { return (number & (bits_ - 1)) / 64; }
  static std::uint64_t bit(std::uint64_t number) { return std::uint64_t{1} << (number % 64); }
  // The bits of `count` numbers. Those before number 1 are the ring's, and are nobody's.
  void set(std::uint64_t from, std::uint64_t count, bool taken) {
    count = std::min<std::uint64_t>(count, bits_);
    while (count > 0) {
      const std::uint64_t here = std::min(count, 64 - from % 64);
      const std::uint64_t mask = (~std::uint64_t{0} >> (64 - here)) << (from % 64);
      std::uint64_t& word = taken_[slot(from)];
      word = taken ? word | mask : word & ~mask;
      from += here;
      count -= here;
    }
  }

  std::uint64_t top_ = 0;
  std::uint64_t bits_;
  std::unique_ptr<std::uint64_t[]> taken_;
};

}  // namespace hasync::vpe
