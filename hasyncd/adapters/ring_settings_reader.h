// Reads what the running corosync was configured with, once, when hasyncd starts.
#pragma once

#include "base/result.h"
#include "hasyncd/ring_settings.h"

namespace hasync::hasyncd {

Result<RingSettings> read_ring_settings();

}  // namespace hasync::hasyncd
