#include "hasyncd/config_change.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

namespace hasync::hasyncd {
namespace {

// All else is part of what members have agreed upon, or is held by a socket, a program or charon.
constexpr const char* kLive[] = {"cluster.allow_unencrypted_ring", "lease.peak", "control.admin_group",
                                 "control.read_group", "log.level"};

using Values = std::map<std::string, std::vector<std::string>>;  // of repeated keys: all, in their order

Values values_of(const Config& config) {
  Values out;
  std::istringstream lines(to_text(config));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find(" = ");
    if (equals != std::string::npos) out[line.substr(0, equals)].push_back(line.substr(equals + 3));
  }
  return out;
}

}  // namespace

std::span<const char* const> live_keys() {
  return kLive;
}

ConfigChange change_of(const Config& now, const Config& wanted) {
  const Values before = values_of(now);
  const Values after = values_of(wanted);
  std::set<std::string> keys;
  for (const Values* values : {&before, &after}) {
    for (const auto& [key, value] : *values) keys.insert(key);
  }
  ConfigChange out;
  for (const std::string& key : keys) {
    const auto old = before.find(key);
    const auto fresh = after.find(key);
    if (old != before.end() && fresh != after.end() && old->second == fresh->second) continue;
    const bool live = std::ranges::find(kLive, key) != std::end(kLive);
    (live ? out.live : out.restart).push_back(key);
  }
  return out;
}

std::string listed(const std::vector<std::string>& keys) {
  std::string out;
  for (const std::string& key : keys) out += (out.empty() ? "" : ", ") + key;
  return out;
}

}  // namespace hasync::hasyncd
