// What charon says of an IKE_SA.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

// A context as charon reports it. `sealed` may leave this node.
struct ContextReport {
  SaId sa;
  Address peer;
  std::vector<OutboundSa> outbound;
  std::string sealed;
  bool active = false;
  std::uint64_t number = 0;  // of this report, upwards within one connection
};

}  // namespace hasync::hasyncd
