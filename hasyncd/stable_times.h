// StableTimes: how long what this node proposes takes to become stable: from when it is sent to the ring
// until every member has acknowledged it. For whoever watches; nothing is decided by it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "base/ids.h"
#include "hasyncd/log/agreement.h"
#include "hasyncd/status.h"

namespace hasync::hasyncd {

class StableTimes {
 public:
  static constexpr std::size_t kMost = 4096;  // under way; what is sent beyond is not timed

  void sent(std::uint64_t number, Instant now);
  // It came back from the ring, and stands at this position of the log.
  void delivered(std::uint64_t number, std::uint64_t index);
  // What was under way in another epoch is void, or part of the new one's beginning: it is not timed.
  void stable(Epoch epoch, std::uint64_t index, Instant now);
  const Histogram& times() const { return times_; }

 private:
  Epoch epoch_;
  std::map<std::uint64_t, Instant> sent_;          // by number
  std::multimap<std::uint64_t, Instant> waiting_;  // by position
  Histogram times_;
};

}  // namespace hasync::hasyncd
