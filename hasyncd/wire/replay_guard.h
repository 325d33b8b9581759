// Refuses messages that were delivered before: within one run of one hasyncd the numbers ascend.
// Used on what a Sealer has opened, so only members can move it. It remembers the runs that it has heard,
// kRuns of each node; a process started later knows nothing of earlier ones, so what came before an agreed
// member's run is for the epoch rules to refuse (docs/decisions/0001-epochs.md, point 7).
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>

#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

class ReplayGuard {
 public:
  static constexpr std::size_t kRuns = 64;

  // Whether `number` is above every number accepted from this process. Gaps are fine.
  bool accept(Process from, std::uint64_t number);

 private:
  struct Run {
    Incarnation incarnation;
    std::uint64_t highest = 0;
  };
  std::unordered_map<NodeId, std::deque<Run>> runs_;  // newest first
};

}  // namespace hasync::hasyncd
