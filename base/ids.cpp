#include "base/ids.h"

#include <array>
#include <cinttypes>
#include <cstdio>

namespace hasync {

std::string to_string(SaId id) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64 "_i %016" PRIx64 "_r", id.initiator_spi,
                id.responder_spi);
  return text.data();
}

}  // namespace hasync
