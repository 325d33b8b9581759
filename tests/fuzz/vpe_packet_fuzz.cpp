// The codec: what is read stands the same when it is written again, and the inner packet lies within the
// payload.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "vpe/packet.h"

using namespace hasync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView bytes(data, size);
  if (const auto header = vpe::decode_packet(bytes)) {
    std::array<std::uint8_t, vpe::kIcvAt> again{};
    vpe::encode(*header, again);
    if (!std::ranges::equal(again, bytes.first(vpe::kIcvAt))) std::abort();
  }
  if (const auto inner = vpe::inner_size(bytes, size)) {
    if (*inner > size || *inner < vpe::kSmallestPayload) std::abort();
  }
  return 0;
}
