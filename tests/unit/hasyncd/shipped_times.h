// The times and leases that are shipped: the configuration's defaults.
#pragma once

#include "hasyncd/config.h"

namespace hasync::hasyncd {

inline Config shipped_times() {
  using std::chrono::milliseconds;
  Config config;
  config.heartbeat_interval = milliseconds{20};
  config.fence = milliseconds{80};
  config.evict_after = milliseconds{150};
  config.drift_ppm = 1000;
  config.lease_size = 65536;
  config.lease_peak = 20000;
  config.commit_wait = milliseconds{2000};
  config.two_node_silence = milliseconds{5000};
  return config;
}

}  // namespace hasync::hasyncd
