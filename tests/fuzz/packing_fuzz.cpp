// A multicast: what is accepted, packed again, is the same bytes; what is refused says why.
#include <cstdint>
#include <cstdlib>

#include "hasyncd/wire/packing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hasync;
  const auto messages = hasyncd::unpack({data, size});
  if (!messages) {
    if (messages.error().what.empty()) std::abort();
    return 0;
  }
  Bytes again;
  for (const BytesView message : *messages) hasyncd::pack(again, message);
  if (again != Bytes(data, data + size)) std::abort();
  return 0;
}
