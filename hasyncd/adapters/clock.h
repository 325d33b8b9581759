// The one clock that decisions are fed from: CLOCK_MONOTONIC. The wall clock is never asked.
#pragma once

#include "hasyncd/fence/clocks.h"

namespace hasync::hasyncd {

Instant now();
ClockReading read_clocks();

}  // namespace hasync::hasyncd
