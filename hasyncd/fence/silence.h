// Silence: which members of the group have not been heard as hasyncd for too long, or say themselves that
// they hear nobody.
//
// A node that Corosync sees but whose hasyncd is stopped, hung or deaf would hold up everything that must
// become stable (design.md, section 4, "evicted"). Refuses to know what follows from it.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

class Silence {
 public:
  explicit Silence(Duration limit) : limit_(limit) {}

  // Who is to be watched now. Whoever is new gets the full limit from here.
  void watch(const std::vector<NodeId>& nodes, Instant now);
  // `deaf`: it says that it hears no majority.
  void heard(NodeId node, bool deaf, Instant now);
  // A tick of this process itself came late: it may not have read what arrived. Nobody is judged by that gap;
  // who was heard behind it, before this tick, is not heard in the future. Once until one is heard again: who
  // is late all the time would else never find that it hears nobody.
  void forgive(Duration gap, Instant now);
  std::vector<NodeId> silent(Instant now) const;
  std::size_t heard_within(Duration time, Instant now) const;
  // When a watched node was heard last, or since when it is watched.
  std::optional<Instant> last_heard(NodeId node) const;

 private:
  struct Watched {
    Instant last;
    std::optional<Instant> deaf_since;
    bool forgiven = false;  // since it was heard
  };
  Duration limit_;
  std::map<NodeId, Watched> watched_;
};

}  // namespace hasync::hasyncd
