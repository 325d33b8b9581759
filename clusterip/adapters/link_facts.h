// Reads what check_links() judges, from rtnetlink and ethtool.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clusterip/bypass.h"

namespace hasync::clusterip {

// Whether a feature by its name in ethtool is active; one that the kernel does not know is not.
Result<bool> feature_active(const std::string& interface, std::string_view feature);

Result<std::vector<LinkFacts>> read_links(const std::vector<std::string>& interfaces);

}  // namespace hasync::clusterip
