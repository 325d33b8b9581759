// Key material, and contexts in clear, which hold it. Move-only; in memory that no core dump contains; wiped
// when it goes. It has no formatter, no comparison and no conversion, so that logging it or leaking it
// through a compare does not compile.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "base/adapters/hidden_pages.h"

namespace hasync {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t bytes) : bytes_(take_hidden_pages(bytes)) {}  // to be filled
  explicit Secret(std::span<const std::uint8_t> bytes) : Secret(bytes.size()) {
    std::ranges::copy(bytes, bytes_.begin());
  }
  Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Secret& operator=(Secret&& other) noexcept {
    Secret taken(std::move(other));
    std::swap(bytes_, taken.bytes_);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { give_back_hidden_pages(bytes_); }

  std::span<const std::uint8_t> reveal() const { return bytes_; }
  std::span<std::uint8_t> fill() { return bytes_; }
  bool empty() const { return bytes_.empty(); }

 private:
  std::span<std::uint8_t> bytes_;
};

}  // namespace hasync
