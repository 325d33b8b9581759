// A key file: what is accepted has between one and four different keys, all of them whole; what is refused
// says why.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "hasyncd/adapters/key_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hasync::hasyncd;
  const auto keys = parse_keys({reinterpret_cast<const char*>(data), size}, "fuzzed");
  if (!keys) {
    if (keys.error().what.empty()) std::abort();
    return 0;
  }
  std::set<std::uint32_t> ids;
  for (const Key& key : keys->keys) {
    if (key.id == 0 || !ids.insert(key.id).second || key.auth.empty()) std::abort();
  }
  if (ids.empty() || ids.size() > kMaxKeys) std::abort();
  return 0;
}
