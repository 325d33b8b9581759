// What is not to be taken any more on which CHILD_SA, and from when on
// (docs/decisions/0015-fresh-windows.md): its peer has moved to fresh windows, and what it had on the way has
// time to arrive. Knows no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/ids.h"

namespace hasync::vped {

class Retirements {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // How long after its answer a peer's workers have sent their last packet of before.
  static constexpr std::chrono::seconds kOnTheWay{1};

  struct Due {
    EspSpi in;
    std::uint8_t below = 0;       // incarnation
    std::uint64_t reception = 0;  // of whoever has asked
    bool operator==(const Due&) const = default;
  };
  // Of two for one CHILD_SA the higher incarnation counts, and its time.
  void told(const Due& what, Time now);
  void gone(EspSpi in) { waiting_.erase(in); }
  std::vector<Due> due(Time now);  // each once
  std::optional<Time> next() const;

 private:
  struct Waiting {
    Due what;
    Time at;
  };
  std::map<EspSpi, Waiting> waiting_;
};

}  // namespace hasync::vped
