// Silence: which members of the group have not been heard as hasyncd for too long.
//
// A node that Corosync sees but whose hasyncd is stopped or hung would hold up everything that must become
// stable (design.md, section 4, "evicted"). Refuses to know what follows from it.
#pragma once

#include <map>
#include <vector>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

class Silence {
 public:
  explicit Silence(Duration limit) : limit_(limit) {}

  // Who is to be watched now. Whoever is new gets the full limit from here.
  void watch(const std::vector<NodeId>& nodes, Instant now);
  void heard(NodeId node, Instant now);
  // A tick of this process itself came late: it may not have read what arrived. Nobody is judged by that gap.
  void forgive(Duration gap);
  std::vector<NodeId> silent(Instant now) const;
  // Since when a watched node has not been heard.
  std::map<NodeId, Instant> last_heard() const { return last_; }

 private:
  Duration limit_;
  std::map<NodeId, Instant> last_;
};

}  // namespace hasync::hasyncd
