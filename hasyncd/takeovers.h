// Takeovers: how often this node has become the owner, by why; told from what is seen of its Node after each
// event. For whoever watches; nothing is decided by it.
#pragma once

#include <cstdint>

#include "base/ids.h"
#include "hasyncd/node/role.h"

namespace hasync::hasyncd {

class Takeovers {
 public:
  struct Counts {                    // since this process began, each when packets may pass
    std::uint64_t lost = 0;          // the owner was gone, silent or evicted
    std::uint64_t handed_over = 0;   // the owner has moved everything here
    std::uint64_t by_operator = 0;   // of two gateways: on the operator's word
    std::uint64_t from_silence = 0;  // of two gateways: as the other was silent (two_node = available)
    std::uint64_t first = 0;         // no owner was known before
    std::uint64_t resumed = 0;       // this node itself was the last, and had lost its part for a while
  };
  struct Seen {
    Role role = Role::Out;
    NodeId owner = kNobody;  // by the log
    bool moved = false;      // this event was the owner's Move to this node
    bool anew = false;       // the epoch has no other member, and its state began empty
  };

  explicit Takeovers(NodeId self) : self_(self) {}
  void asked_by_operator() { asked_ = true; }
  void seen(const Seen& now);
  const Counts& counts() const { return counts_; }

 private:
  std::uint64_t Counts::*cause_of(const Seen& now) const;

  NodeId self_;
  Counts counts_;
  Role role_ = Role::Out;
  NodeId owner_ = kNobody;  // the last that was known
  bool asked_ = false;
  std::uint64_t Counts::*cause_ = &Counts::first;
};

}  // namespace hasync::hasyncd
