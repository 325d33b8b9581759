#include "hasyncd/surroundings.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <sstream>

namespace hasync::hasyncd {
namespace {

using Change = Surroundings::Change;

std::string mode_text(std::uint32_t mode) {
  std::array<char, 12> out{};
  std::snprintf(out.data(), out.size(), "%04o", mode);
  return out.data();
}

// Without figures that change from look to look.
std::string fault_of(const Disk& disk) {
  if (!disk.problem.empty()) return disk.path + ": " + disk.problem;
  if (disk.free == 0) return disk.path + " is full";
  return disk.free < kLittleRoom ? disk.path + " has less than 64 MiB left" : "";
}

std::vector<Change> troubles_of(const Surroundings::Seen& seen, const Config& config) {
  std::vector<Change> out;
  const auto note = [&out](const char* id, const std::string& text) {
    if (!text.empty()) out.push_back({id, text});
  };
  if (!seen.key) note("key-file-refused", seen.key.error().what);
  if (!seen.control) note("socket-changed", config.control_socket.string() + " is gone");
  if (seen.control) note("socket-changed", fault_of(*seen.control, control_mode(config), seen.user));
  if (seen.charon) note("socket-changed", fault_of(*seen.charon, kCharonMode, seen.user));
  for (const Disk& disk : seen.disks) note("disk-low", fault_of(disk));
  return out;
}

bool lies_below(const std::string& path, const std::string& mount) {
  if (mount == "/" || path == mount) return true;
  return path.size() > mount.size() && path.starts_with(mount) && path[mount.size()] == '/';
}

// proc(5): number, parent, device, root, mount point, options, others up to "-", type.
std::string type_of(const std::string& mounts, const std::string& path) {
  std::string longest, out;
  std::istringstream lines(mounts);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string skipped, mount, type;
    words >> skipped >> skipped >> skipped >> skipped >> mount;
    while (words >> skipped && skipped != "-") {
    }
    words >> type;
    if (!lies_below(path, mount) || mount.size() < longest.size()) continue;  // of two, the later one is seen
    longest = mount;
    out = type;
  }
  return out;
}

}  // namespace

std::string fault_of(const SocketFact& socket, std::uint32_t mode, std::uint32_t owner) {
  if (socket.owner != owner)
    return socket.path + " belongs to user " + std::to_string(socket.owner) + ", not to " +
           std::to_string(owner);
  if (socket.mode == mode) return "";
  return socket.path + " has mode " + mode_text(socket.mode) + ", not " + mode_text(mode);
}

std::uint32_t control_mode(const Config& config) {
  return config.admin_group.empty() && config.read_group.empty() ? 0600 : 0666;
}

bool is_remote(const std::string& mounts, const std::string& path) {
  static const std::set<std::string> kRemote = {"9p", "afs", "autofs", "ceph", "cifs", "nfs", "nfs4", "smb3"};
  const std::string type = type_of(mounts, path);
  return kRemote.contains(type) || type.starts_with("fuse");
}

std::vector<Change> Surroundings::changes(const Seen& seen, const Config& config) {
  const std::vector<Change> before = std::exchange(troubles_, troubles_of(seen, config));
  std::vector<Change> out;
  for (const Change& trouble : troubles_)
    if (std::ranges::find(before, trouble) == before.end()) out.push_back(trouble);
  for (const Change& trouble : before)
    if (std::ranges::find(troubles_, trouble) == troubles_.end()) out.push_back({"put-right", trouble.text});
  return out;
}

}  // namespace hasync::hasyncd
