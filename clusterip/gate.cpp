#include "clusterip/gate.h"

namespace hasync::clusterip {

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
    case Reason::ArpFenced:
      return "arp_fenced";
    case Reason::Contended:
      return "contended";
  }
  return "unknown";
}

}  // namespace hasync::clusterip
