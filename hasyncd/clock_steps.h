// ClockSteps: when the wall clock was set, told from CLOCK_BOOTTIME, which nothing sets and no suspension
// stops. Slewing is no step.
#pragma once

#include <cstdint>
#include <optional>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

class ClockSteps {
 public:
  static constexpr Duration kStep = std::chrono::seconds{1};

  // By how much the wall clock was set since the last call; 0: it was not.
  Duration found(Duration wall, Instant boot);
  std::uint64_t count() const { return count_; }

 private:
  std::optional<Duration> apart_;
  std::uint64_t count_ = 0;
};

}  // namespace hasync::hasyncd
