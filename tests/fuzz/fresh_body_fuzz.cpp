// The notify about fresh windows: a peer's octets, authenticated but not trusted.
#include <cstdint>
#include <cstdlib>
#include <initializer_list>

#include "fresh_body.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const std::size_t entry : {std::size_t{HASYNC_FRESH_ASKED}, std::size_t{HASYNC_FRESH_MOVED}}) {
    hasync_fresh_t fresh;
    if (!hasync_fresh_read(&fresh, data, size, entry)) continue;
    if (HASYNC_FRESH_NAME + fresh.count * entry != size) std::abort();
    for (std::size_t i = 0; i < fresh.count; ++i) {
      std::uint8_t incarnation = 0;
      entry == HASYNC_FRESH_ASKED ? hasync_fresh_asked(&fresh, i)
                                  : hasync_fresh_moved(&fresh, i, &incarnation);
    }
  }
  return 0;
}
