// FreshWindows: whose peers an owner asks to send VPE in fresh windows, and when
// (docs/decisions/0015-fresh-windows.md): all that it has taken over, as soon as it has; some at a time, and
// each a few times, as a request can be lost with its IKE_SA. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "base/ids.h"
#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

class FreshWindows {
 public:
  void begin(const std::vector<EspSpi>& outbound);  // replaces all
  void add(EspSpi outbound);
  void done(EspSpi outbound) { open_.erase(outbound); }  // or it has ended
  std::uint64_t begun() const { return begun_; }         // how often
  // To be asked for now.
  std::vector<EspSpi> due(Instant now);

 private:
  struct Ask {
    Instant at;
    EspSpi spi;
    int time = 1;
  };
  std::uint64_t begun_ = 0;
  std::set<EspSpi> open_;
  std::deque<Ask> asks_;  // ascending
};

}  // namespace hasync::hasyncd
