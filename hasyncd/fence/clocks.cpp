#include "hasyncd/fence/clocks.h"

#include <algorithm>

namespace hasync::hasyncd {

Duration Clocks::suspended(const ClockReading& reading) {
  const Duration at_least = reading.boot - reading.after;
  const Duration at_most = reading.boot - reading.before;
  const Duration found = apart_ ? std::max(at_least - *apart_, Duration{}) : Duration{};
  apart_ = found == Duration{} && apart_ ? std::min(*apart_, at_most) : at_most;
  return found;
}

}  // namespace hasync::hasyncd
