// Stability: up to which entry the log cannot be lost any more.
//
// An entry counts when every member of the epoch has acknowledged its position, with the same entries behind
// it (decision 0001; a count alone would not do, since the remains of an old ring can have holes). Delivery
// to oneself proves nothing. Refuses to know what entries mean.
#pragma once

#include <cstdint>
#include <map>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

class Stability {
 public:
  void install(const Install& install);
  // This node's state is at `index` with `digest`.
  void reached(std::uint64_t index, std::uint64_t digest);
  // A member says so of its own. 0: its state is not whole; 1: whole; from 2 on: acknowledged.
  void reported(Process by, Epoch epoch, std::uint64_t index, std::uint64_t digest);

  // Everything up to here is held by every member. 0 when there is no epoch.
  std::uint64_t stable() const;
  // Members whose state is whole and like ours.
  std::size_t whole() const;
  std::uint64_t agreed(NodeId node) const;

 private:
  struct Report {
    std::uint64_t index = 0;
    std::uint64_t digest = 0;
    std::uint64_t agreed = 0;  // highest position at which it was seen to be like ours
  };
  void compare(Report& report);

  Epoch epoch_;
  std::map<Process, Report> reports_;
  std::map<std::uint64_t, std::uint64_t> digests_;  // ours, by position, from the stable one on
};

}  // namespace hasync::hasyncd
