#include "hasyncd/wire/replay_guard.h"

namespace hasync::hasyncd {

bool ReplayGuard::accept(Process from, std::uint64_t number) {
  std::deque<Run>& runs = runs_[from.node];
  for (Run& run : runs) {
    if (run.incarnation != from.incarnation) continue;
    if (number <= run.highest) return false;
    run.highest = number;
    return true;
  }
  if (runs.size() == kRuns) runs.pop_back();
  runs.push_front({from.incarnation, number});
  return true;
}

}  // namespace hasync::hasyncd
