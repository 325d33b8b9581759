// A line from the control socket: a request, or an error that can be answered in one line.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hasyncd/adapters/status_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hasync::hasyncd;
  const auto request = parse_request({reinterpret_cast<const char*>(data), size});
  // What an operator asked for stands in the answer, whatever its bytes.
  const ControlAnswer answer =
      request ? ControlAnswer{Accepted{request->command}} : ControlAnswer{request.error()};
  const std::string line = to_line(answer);
  if (!line.ends_with('\n') || std::ranges::count(line, '\n') != 1) std::abort();
  return 0;
}
