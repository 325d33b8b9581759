#include "clusterip/gate.h"

#include <numeric>

namespace hasync::clusterip {

std::uint64_t DirectionCounters::dropped() const {
  return std::accumulate(by_reason.begin(), by_reason.end(), std::uint64_t{0}) - (*this)[Reason::Passed];
}

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::Passed:
      return "passed";
    case Reason::NoFence:
      return "no_fence";
    case Reason::NoEntry:
      return "no_entry";
    case Reason::BelowFloor:
      return "below_floor";
    case Reason::AtCeiling:
      return "at_ceiling";
    case Reason::Fragment:
      return "fragment";
    case Reason::Malformed:
      return "malformed";
    case Reason::AddressFenced:
      return "address_fenced";
    case Reason::Contended:
      return "contended";
    case Reason::Repeated:
      return "repeated";
  }
  return "unknown";
}

}  // namespace hasync::clusterip
