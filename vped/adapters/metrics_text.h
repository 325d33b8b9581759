// The figures of docs/metrics.md about vped, in Prometheus' text format.
#pragma once

#include <string>
#include <vector>

#include "vped/status.h"

namespace hasync::vped {

std::string metrics_text(const Snapshot& now);
std::vector<std::string> metric_names();  // all that there can be

}  // namespace hasync::vped
