#include "hasyncd/adapters/clock.h"

#include <ctime>

namespace hasync::hasyncd {

Instant now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

ClockReading read_clocks() {
  const Instant before = now();
  timespec boot{};
  ::clock_gettime(CLOCK_BOOTTIME, &boot);
  return {before, std::chrono::seconds{boot.tv_sec} + std::chrono::nanoseconds{boot.tv_nsec}, now()};
}

Duration wall_clock() {
  return std::chrono::system_clock::now().time_since_epoch();
}

}  // namespace hasync::hasyncd
