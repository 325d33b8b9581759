// OutputCommit: which of charon's reports may be told to peers (docs/decisions/0005-output-commit.md): those
// up to which the log has everything, once that is stable.
//
// Reports are counted upwards within one connection to charon. Refuses to know: what a report tells, and when
// the log has it (Reports).
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "hasyncd/node/actions.h"

namespace hasync::hasyncd {

class OutputCommit {
 public:
  void reported(std::uint64_t number) { reported_ = std::max(reported_, number); }
  // At this position the log has everything up to report `settled`.
  std::optional<CommitOutput> settle(std::uint64_t settled, std::uint64_t position, std::uint64_t stable);
  // Positions count anew: what waited is part of the state that the epoch begins with.
  void begin_epoch();
  // What waits will not become stable.
  void give_up() { waiting_.clear(); }
  // What charon has reported and the log does not have will not get in any more.
  std::optional<DiscardOutput> discard();
  void charon_lost() { *this = {}; }

 private:
  // Up to which report the log had everything at which position, until that is stable.
  std::deque<std::pair<std::uint64_t, std::uint64_t>> waiting_;
  std::uint64_t committed_ = 0;
  std::uint64_t reported_ = 0;
};

}  // namespace hasync::hasyncd
