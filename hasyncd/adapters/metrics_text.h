// The figures of docs/metrics.md in Prometheus' text format. The only part of hasyncd that knows it.
#pragma once

#include <string>
#include <vector>

#include "hasyncd/status.h"

namespace hasync::hasyncd {

std::string metrics_text(const MetricsStatus& status);
std::vector<std::string> metric_names();  // all that there can be

}  // namespace hasync::hasyncd
