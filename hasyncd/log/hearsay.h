// Hearsay: the newest that is known of each other member of the epoch, from itself or through a third.
//
// A mark is as true relayed as it was at first hand: it is cumulative, speaks of the past, and names the
// process and the epoch (decision 0001, "Heard through others"). Refuses to know what follows from it.
#pragma once

#include <map>
#include <vector>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

class Hearsay {
 public:
  explicit Hearsay(Process self) : self_(self) {}

  void install(const Install& install);
  // True if it is newer than what was known, of a member and in this epoch. `owner`: whom it honours.
  bool learn(Epoch epoch, const Mark& mark, Process owner);
  // To pass on; what members gave back to another owner than this one is left out.
  std::vector<Mark> marks(Process owner) const;
  bool ready(NodeId node) const;

  // How many contexts its charon refuses: not passed on, so the newest that it has said itself.
  void learn_refused(Process from, std::size_t contexts);
  std::size_t refused(NodeId node) const;

 private:
  struct Known {
    Mark mark;
    Process owner;
    std::size_t refused = 0;
  };
  const Known* find(NodeId node) const;

  Process self_;
  Epoch epoch_;
  std::map<Process, Known> known_;  // of every other member; sent_ns 0: nothing yet
};

// A heartbeat, abridged to what others pass on of it.
Mark mark_of(const Heartbeat& heartbeat, Process owner);

}  // namespace hasync::hasyncd
