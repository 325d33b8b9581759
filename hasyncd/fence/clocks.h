// Clocks: how long this machine was suspended.
//
// Deadlines are compared with CLOCK_MONOTONIC, which stands still while a machine is suspended;
// CLOCK_BOOTTIME goes on. What lies between the two changes by nothing else: neither by steps of the wall
// clock nor by slewing. A virtual machine that its host stops altogether has no clock that goes on, and finds
// nothing.
#pragma once

#include <optional>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

// CLOCK_BOOTTIME, and CLOCK_MONOTONIC before and after it was read.
struct ClockReading {
  Instant before;
  Instant boot;
  Instant after;
};

class Clocks {
 public:
  // Since the last reading; 0: not at all. However long a reading takes, that is never taken for a
  // suspension.
  Duration suspended(const ClockReading& reading);

 private:
  std::optional<Duration> apart_;  // the clocks, at most
};

}  // namespace hasync::hasyncd
