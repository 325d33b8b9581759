#include "hasyncd/log/following.h"

#include <algorithm>

namespace hasync::hasyncd {

void Following::heard(Epoch epoch, std::uint64_t index) {
  ahead_ = std::max(ahead_, {epoch, index});
}

bool Following::astray(const Position& here, Instant now) {
  const bool behind = std::pair{here.epoch, here.agreed} < ahead_;
  Position position = here;
  // What an owner says to itself in an epoch that is over brings it no nearer.
  if (here.epoch < ahead_.first) position.agreed = 0;
  if (!behind || position != last_) {
    last_ = position;
    since_ = now;
    return false;
  }
  if (now - since_ < patience_) return false;
  since_ = now;
  return true;
}

}  // namespace hasync::hasyncd
