// haipsec: the operator's command. What only asks hasyncd is done here; all else by haipsec-full, which takes
// the place of this process.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "haipsec/program.h"

namespace {

using hasync::haipsec::Options;

// Below the same prefix, be it where it was built or where it was installed.
std::filesystem::path full_program() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return self.parent_path().parent_path() / "libexec/hasyncd/haipsec-full";
}

}  // namespace

int main(int argc, char** argv) {
  const auto hand_over = [argv](const Options& options) -> int {
    const std::string program = full_program();
    ::execv(program.c_str(), argv);
    return hasync::haipsec::Output(options.json)
        .failure({hasync::Errc::System, program + ": " + std::strerror(errno)});
  };
  return hasync::haipsec::run(
      argc, argv, {hand_over, hand_over, hand_over, hand_over, hand_over, hand_over, hand_over, hand_over});
}
