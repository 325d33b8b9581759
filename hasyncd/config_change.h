// Which keys differ between the configuration in effect and one that is to take its place, and which of them
// can be changed while hasyncd runs. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "hasyncd/config.h"

namespace hasync::hasyncd {

struct ConfigChange {
  std::vector<std::string> live;     // "table.key"
  std::vector<std::string> restart;  // these need one
  bool operator==(const ConfigChange&) const = default;
};

std::span<const char* const> live_keys();
ConfigChange change_of(const Config& now, const Config& wanted);

// "log.level, member"
std::string listed(const std::vector<std::string>& keys);

}  // namespace hasync::hasyncd
