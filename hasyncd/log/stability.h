// Stability: up to which entry the log cannot be lost any more.
//
// An entry counts when every member of the epoch has acknowledged its index (design.md, section 4). Delivery to
// oneself proves nothing. Refuses to know what entries mean.
#pragma once

#include <cstdint>
#include <map>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

class Stability {
 public:
  void install(const Install& install);
  // `index`: entries applied, the epoch's beginning being the first; 0: the state is not whole yet.
  void acknowledged(Process by, Epoch epoch, std::uint64_t index);
  // Everything up to here is held by every member. 0 when there is no epoch.
  std::uint64_t stable() const;

 private:
  Epoch epoch_;
  std::map<Process, std::uint64_t> acknowledged_;
};

}  // namespace hasync::hasyncd
