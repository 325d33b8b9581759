#include "hasyncd/adapters/clock.h"

namespace hasync::hasyncd {

Instant now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace hasync::hasyncd
