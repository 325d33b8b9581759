#include "haipsec/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace hasync::haipsec {

Look output_look() {
  if (::isatty(STDOUT_FILENO) == 0) return {};
  winsize size{};
  ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);  // 0 columns where it does not know
  const char* unwanted = std::getenv("NO_COLOR");
  return {size.ws_col, unwanted == nullptr || std::string_view(unwanted).empty()};
}

}  // namespace hasync::haipsec
