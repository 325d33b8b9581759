#include "hasyncd/adapters/state_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/adapters/fd.h"

namespace hasync::hasyncd {
namespace {

constexpr const char* kFile = "epochs";
constexpr const char* kTemporary = "epochs.new";

Error failed(const std::filesystem::path& path, const char* call) {
  return {Errc::System, "state " + path.string() + ": " + call + ": " + std::strerror(errno)};
}

std::string text_of(const StoredEpochs& epochs) {
  return "hasyncd-epochs 1 promised=" + std::to_string(epochs.promised.value) +
         " confirmed=" + std::to_string(epochs.confirmed.value) + "\n";
}

Result<StoredEpochs> parse(const std::string& text, const std::filesystem::path& path) {
  StoredEpochs out;
  const int read = std::sscanf(text.c_str(), "hasyncd-epochs 1 promised=%" SCNu64 " confirmed=%" SCNu64,
                               &out.promised.value, &out.confirmed.value);
  // Written back it must be the same: nothing cut off, nothing behind it, no number out of range.
  if (read != 2 || text_of(out) != text) {
    return invalid("state " + path.string() +
                   ": is damaged. If this node's epochs are really lost, stop hasyncd on " +
                   "it, make sure that a majority of the others runs, and remove the file");
  }
  if (out.confirmed > out.promised)
    return invalid("state " + path.string() + ": confirmed is above promised");
  return out;
}

}  // namespace

Result<StateStore> StateStore::open(const std::filesystem::path& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return failed(folder, "stat");
  if (!S_ISDIR(info.st_mode)) return invalid("state " + folder.string() + ": is not a folder");
  ::unlink((folder / kTemporary).c_str());

  const std::filesystem::path path = folder / kFile;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return StateStore(folder, {}, true);
  if (fd < 0) return failed(path, "open");
  const Fd closer(fd);
  std::array<char, 256> content{};
  const ssize_t length = ::read(fd, content.data(), content.size());
  if (length < 0) return failed(path, "read");
  Result<StoredEpochs> epochs = parse({content.data(), static_cast<std::size_t>(length)}, path);
  if (!epochs) return epochs.error();
  return StateStore(folder, *epochs, false);
}

Status StateStore::save(const StoredEpochs& epochs) {
  const std::filesystem::path temporary = folder_ / kTemporary;
  {
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return failed(temporary, "open");
    const Fd closer(fd);
    const std::string text = text_of(epochs);
    if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      return failed(temporary, "write");
    if (::fsync(fd) != 0) return failed(temporary, "fsync");
  }
  if (::rename(temporary.c_str(), (folder_ / kFile).c_str()) != 0) return failed(temporary, "rename");
  const int fd = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed(folder_, "open");
  const Fd closer(fd);
  if (::fsync(fd) != 0) return failed(folder_, "fsync");
  epochs_ = epochs;
  return Done{};
}

}  // namespace hasync::hasyncd
