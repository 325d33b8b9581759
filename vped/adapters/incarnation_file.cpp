#include "vped/adapters/incarnation_file.h"

#include <fcntl.h>
#include <sys/file.h>

#include "base/adapters/fd.h"
#include "vped/incarnation_book.h"

namespace hasync::vped {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20;

Result<std::string> read_all(const std::filesystem::path& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::string();
  if (!fd) return system_error(file.string());
  std::string text(kLargestFile, '\0');
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  if (size < 0) return system_error(file.string());
  if (static_cast<std::size_t>(size) == kLargestFile) return invalid(file.string() + ": too large");
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// The old content or the new one, also after a loss of power.
Status replace(const std::filesystem::path& folder, const Fd& lock, const std::filesystem::path& file,
               const std::string& text) {
  const std::filesystem::path fresh = file.string() + ".new";
  const Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(fd.get()) == 0 && ::rename(fresh.c_str(), file.c_str()) == 0 && ::fsync(lock.get()) == 0)
    return Done{};
  return system_error(folder.string());
}

}  // namespace

Result<std::vector<std::uint8_t>> take_incarnations(const std::filesystem::path& folder,
                                                    const std::vector<std::string>& keys) {
  const Fd lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0) return system_error(folder.string());
  const std::filesystem::path file = folder / "incarnations";
  const auto text = read_all(file);
  if (!text) return text.error();
  auto book = IncarnationBook::parse(*text);
  if (!book) return Error{book.error().code, file.string() + ": " + book.error().what};
  std::vector<std::uint8_t> out;
  for (const std::string& key : keys) {
    const auto taken = book->take(key);
    if (!taken) return Error{taken.error().code, "key " + key + ": " + taken.error().what};
    out.push_back(*taken);
  }
  if (Status written = replace(folder, lock, file, book->text()); !written) return written.error();
  return out;
}

}  // namespace hasync::vped
