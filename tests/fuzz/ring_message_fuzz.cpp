// Bytes from the ring and from the heartbeat socket, after they were opened: whatever is read is read the
// same again.
#include <cstdlib>

#include "hasyncd/wire/aside_codec.h"
#include "hasyncd/wire/ring_codec.h"

using namespace hasync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView bytes(data, size);
  if (const auto message = hasyncd::decode_ring_message(bytes)) {
    const auto again = hasyncd::decode_ring_message(hasyncd::encode(*message));
    if (!again || *again != *message) std::abort();
  }
  if (const auto aside = hasyncd::decode_aside(bytes)) {
    const auto again = hasyncd::decode_aside(hasyncd::encode(*aside));
    if (!again || *again != *aside) std::abort();
  }
  if (const auto heartbeat = hasyncd::decode_heartbeat(bytes)) {
    const auto again = hasyncd::decode_heartbeat(hasyncd::encode(*heartbeat));
    if (!again || *again != *heartbeat) std::abort();
  }
  return 0;
}
