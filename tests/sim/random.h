// The simulator's dice: the same numbers from the same seed on every machine and library (the standard
// distributions do not promise that). Never two of them among the arguments of one call: compilers differ in
// which they draw first.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace hasync::sim {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::nanoseconds;  // of the simulated world; nodes have clocks of their own

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 0x2545f4914f6cdd1dU) {}

  std::uint64_t number() {  // splitmix64
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(number() % limit); }
  bool percent(double share) { return static_cast<double>(number() >> 11U) * 0x1p-53 * 100.0 < share; }
  Duration between(Duration low, Duration high) {
    if (high <= low) return low;
    return low +
           Duration{static_cast<Duration::rep>(number() % static_cast<std::uint64_t>((high - low).count()))};
  }
  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace hasync::sim
