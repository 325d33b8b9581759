// Following: whether this node still follows the log of its group.
//
// A message of the ring that one member alone did not get (it did not open, or made no sense there) leaves
// its state another one than the others', or leaves it out of an epoch that counts it in: from then on
// nothing could become stable. Whoever sees others ahead and comes no nearer for a while has lost the thread,
// and is to begin anew as a member that has just come. Refuses to know what was missed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

class Following {
 public:
  explicit Following(Duration patience) : patience_(patience) {}

  // Another group, or a new part in it: who is ahead is not known yet, and nobody has waited.
  void restart() {
    ahead_ = {};
    last_.reset();
  }
  // Somebody of the group is in `epoch`, at `index`. Not the owner alone: whoever has missed that it is the
  // owner itself says nothing as such.
  void heard(Epoch epoch, std::uint64_t index);

  // Where this node is: its epoch, up to where its state is the owner's, and how much of a snapshot it has.
  struct Position {
    Epoch epoch;
    std::uint64_t agreed = 0;
    std::size_t parts = 0;
    bool operator==(const Position&) const = default;
  };
  bool astray(const Position& here, Instant now);
  // A tick of this process itself came late: it may not have read what arrived.
  void forgive(Duration gap, Instant now) { since_ = std::min(since_ + gap, now); }

 private:
  Duration patience_;
  std::pair<Epoch, std::uint64_t> ahead_{};
  std::optional<Position> last_;  // empty: not looked at yet
  Instant since_{};               // without progress, and others ahead
};

}  // namespace hasync::hasyncd
