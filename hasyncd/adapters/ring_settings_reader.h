// Reads what the running corosync was configured with, and how it fares.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "hasyncd/ring_settings.h"

namespace hasync::hasyncd {

Result<RingSettings> read_ring_settings();

// When corosync did not get the processor for most of its token's time; the newest ten. None where it does
// not answer.
struct RingPause {
  std::uint64_t at_ms = 0;  // since the epoch
  double delay_ms = 0;
};
std::vector<RingPause> read_ring_pauses();

}  // namespace hasync::hasyncd
