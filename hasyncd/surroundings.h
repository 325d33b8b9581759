// Surroundings: what no packet depends on at the moment, and somebody has to put right all the same: who else
// may use the key file and the sockets, and whether there is room for logs and state. Each trouble is told
// once, and once more when it has ended. `haipsec check` judges by the same rules.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hasyncd/config.h"

namespace hasync::hasyncd {

struct SocketFact {
  std::string path;
  std::uint32_t mode = 0;  // permission bits
  std::uint32_t owner = 0;
};

struct Disk {
  std::string path;
  std::uint64_t free = 0;  // bytes
  std::string problem;     // empty: it could be looked at
};

inline constexpr std::uint64_t kLittleRoom = 64U << 20U;

// Why it is not open to those alone who may use it; empty where it is.
std::string fault_of(const SocketFact& socket, std::uint32_t mode, std::uint32_t owner);
std::uint32_t control_mode(const Config& config);
inline constexpr std::uint32_t kCharonMode = 0600;

// Whether the path is on a file system whose server may keep a caller waiting. `mounts`: as
// /proc/self/mountinfo.
bool is_remote(const std::string& mounts, const std::string& path);

class Surroundings {
 public:
  struct Seen {
    std::uint32_t user = 0;             // who hasyncd runs as
    Status key = Done{};                // whether the key file would be taken now
    std::optional<SocketFact> control;  // none: it is not there
    std::optional<SocketFact> charon;   // none: charon does not run, or none is wanted
    std::vector<Disk> disks;
  };
  struct Change {
    std::string id;  // docs/messages.md
    std::string text;
    bool operator==(const Change&) const = default;
  };

  // Since the last look. What has ended is "put-right".
  std::vector<Change> changes(const Seen& seen, const Config& config);

 private:
  std::vector<Change> troubles_;
};

}  // namespace hasync::hasyncd
