// vped.toml: a file either gives a configuration, or errors that all name the file.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "vped/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto outcome = hasync::vped::parse_config({reinterpret_cast<const char*>(data), size}, "fuzzed");
  if (outcome.config.has_value() != outcome.errors.empty()) std::abort();
  for (const std::string& error : outcome.errors) {
    if (!error.starts_with("fuzzed")) std::abort();
  }
  if (outcome.config && outcome.config->lines.size() != outcome.config->tunnels.size()) std::abort();
  return 0;
}
