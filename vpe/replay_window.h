// One replay window: which numbers were taken (RFC 4303, section 3.4.3; a ring of words as in RFC 6479, so
// that moving on clears whole words and shifts nothing).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace hasync::vpe {

enum class Verdict : std::uint8_t { Fresh, Replayed, Late };

class ReplayWindow {
 public:
  // `bits`: a multiple of 64. One word more than that, as the newest one is only partly used.
  explicit ReplayWindow(std::uint32_t bits)
      : bits_(bits), words_(bits / 64 + 1), taken_(std::make_unique<std::uint64_t[]>(words_)) {}

  // Before decryption: cheap, changes nothing.
  Verdict check(std::uint64_t number) const {
    if (number > top_) return Verdict::Fresh;
    if (number == 0 || top_ - number >= bits_) return Verdict::Late;
    return (word(number) & bit(number)) != 0 ? Verdict::Replayed : Verdict::Fresh;
  }
  // Once it is authentic, and if check() still finds it fresh.
  void take(std::uint64_t number) {
    if (number > top_) advance(number);
    taken_[slot(number)] |= bit(number);
  }
  // Everything up to here counts as taken.
  void fill_up_to(std::uint64_t top) {
    if (top > top_) advance(top);
    std::fill_n(taken_.get(), words_, ~std::uint64_t{0});
    // of the newest word, only what is not above the top
    taken_[slot(top_)] = ~std::uint64_t{0} >> (63 - top_ % 64);
  }
  std::uint64_t top() const { return top_; }
  void prefetch() const { __builtin_prefetch(taken_.get() + slot(top_), 1); }

 private:
  std::size_t slot(std::uint64_t number) const { return (number / 64) % words_; }
  std::uint64_t word(std::uint64_t number) const { return taken_[slot(number)]; }
  static std::uint64_t bit(std::uint64_t number) { return std::uint64_t{1} << (number % 64); }
  void advance(std::uint64_t number) {
    const std::uint64_t passed = std::min<std::uint64_t>(number / 64 - top_ / 64, words_);
    for (std::uint64_t i = 0; i < passed; ++i) taken_[(number / 64 - i) % words_] = 0;
    top_ = number;
  }

  std::uint64_t top_ = 0;  // highest number taken
  std::uint32_t bits_;
  std::uint32_t words_;
  std::unique_ptr<std::uint64_t[]> taken_;
};

}  // namespace hasync::vpe
