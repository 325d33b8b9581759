// Solitude: when a gateway of two takes the silence of the other for its end (two_node = available, decision
// 0008).
//
// Silence is neither a place in the ring nor a heartbeat. Refuses to know: what follows from it. Whom this
// process has never been together with, it waits for: that one's cable may not have been plugged in yet.
#pragma once

#include <algorithm>
#include <optional>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

class Solitude {
 public:
  // No patience: silence says nothing, however long it lasts (two_node = safe).
  explicit Solitude(std::optional<Duration> patience) : patience_(patience) {}

  // Both are members of one epoch.
  void together(Instant now) {
    met_ = true;
    seen(now);
  }
  // The other is in the ring, or was heard.
  void seen(Instant now) { seen_ = now; }
  // This process itself stood still, and has not read what came meanwhile.
  void forgive(Duration gap, Instant now) { seen_ = std::min(seen_ + gap, now); }
  bool says_dead(Instant now) const { return patience_ && met_ && now - seen_ >= *patience_; }

 private:
  std::optional<Duration> patience_;
  bool met_ = false;
  Instant seen_{};
};

}  // namespace hasync::hasyncd
