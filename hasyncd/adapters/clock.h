// The one clock that decisions are fed from: CLOCK_MONOTONIC. The wall clock is asked only to tell the
// operator of it.
#pragma once

#include "hasyncd/fence/clocks.h"

namespace hasync::hasyncd {

Instant now();
ClockReading read_clocks();
Duration wall_clock();  // since the epoch

}  // namespace hasync::hasyncd
