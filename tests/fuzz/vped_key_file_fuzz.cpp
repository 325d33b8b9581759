// A key file of vped's: what is accepted is two different keys, or a group's one, of AES; what is refused
// says why.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "vped/adapters/key_file.h"

namespace {

using namespace hasync;

void judge(const Result<vped::Keys>& keys, bool same) {
  if (!keys) {
    if (keys.error().what.empty()) std::abort();
    return;
  }
  const BytesView out = keys->out.reveal(), in = keys->in.reveal();
  if ((out.size() != 16 && out.size() != 32) || (in.size() != 16 && in.size() != 32)) std::abort();
  if ((text_of(out) == text_of(in)) != same) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  judge(vped::parse_keys(text, "fuzzed"), false);
  judge(vped::parse_group_key(text, "fuzzed"), true);
  return 0;
}
