// The one clock that decisions are fed from.
#pragma once

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

Instant now();  // CLOCK_MONOTONIC

}  // namespace hasync::hasyncd
