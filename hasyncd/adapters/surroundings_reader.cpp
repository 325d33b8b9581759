#include "hasyncd/adapters/surroundings_reader.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "hasyncd/adapters/key_file.h"

namespace hasync::hasyncd {

std::optional<SocketFact> read_socket(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return SocketFact{path, info.st_mode & 07777U, info.st_uid};
}

Disk read_disk(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return {path, 0, std::strerror(errno)};
  return {path, std::uint64_t{info.f_bavail} * info.f_frsize, ""};
}

Surroundings::Seen read_surroundings(const Config& config) {
  Surroundings::Seen out{.user = ::geteuid(), .key = look_at_key_file(config.key_file)};
  out.control = read_socket(config.control_socket.string());
  if (config.role == Config::Role::Gateway) out.charon = read_socket(config.charon_socket.string());
  std::ifstream in("/proc/self/mountinfo");
  const std::string mounts{std::istreambuf_iterator<char>(in), {}};
  for (const std::string& path : {config.state_dir.string(), std::string(kLogs)})
    if (!is_remote(mounts, path)) out.disks.push_back(read_disk(path));
  return out;
}

}  // namespace hasync::hasyncd
