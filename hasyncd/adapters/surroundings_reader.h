// What hasyncd and haipsec check look at on this machine (hasyncd/surroundings.h).
#pragma once

#include "hasyncd/surroundings.h"

namespace hasync::hasyncd {

std::optional<SocketFact> read_socket(const std::string& path);
Disk read_disk(const std::string& path);
inline constexpr const char* kLogs = "/var/log";

// Waits for nothing but this machine's own file systems: disks elsewhere are left out.
Surroundings::Seen read_surroundings(const Config& config);

}  // namespace hasync::hasyncd
