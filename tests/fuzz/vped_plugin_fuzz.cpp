// What charon's plugin sends to vped: bytes are cut and decoded, or refused.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "vped/plugin_codec.h"

using namespace hasync::vped;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static FrameCutter cutter;
  cutter.clear();
  if (size > cutter.room().size()) return 0;
  std::copy_n(data, size, cutter.room().begin());
  cutter.filled(size);
  for (auto next = cutter.next(); next && *next; next = cutter.next()) {
    const auto message = decode_plugin_message(**next);
    if (message)
      if (const auto* told = std::get_if<ToldChild>(&message->content))
        if (told->child.local.empty() || told->in.empty() || told->child.peer_port == 0) std::abort();
    cutter.take();
  }
  return 0;
}
