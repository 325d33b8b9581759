// RekeyPlan: when each SA that was taken over is to be rekeyed, so that what an old capture could replay to
// it is closed, and not all at once. Pure: the same SAs give the same plan on every node.
#pragma once

#include <deque>
#include <vector>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

class RekeyPlan {
 public:
  // Evenly over `spread` from now on, in an order that no peer and no age decides. Replaces the plan.
  void begin(std::vector<OutboundKey> keys, Duration spread, Instant now);
  void clear() { due_.clear(); }
  std::vector<OutboundKey> due(Instant now);
  bool empty() const { return due_.empty(); }

 private:
  struct Due {
    Instant at;
    OutboundKey key;
  };
  std::deque<Due> due_;  // ascending
};

}  // namespace hasync::hasyncd
