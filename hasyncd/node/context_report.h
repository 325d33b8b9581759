// What charon says of one of its IKE_SAs, as a Node gets it.
#pragma once

#include <optional>
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
  std::uint64_t number = 0;                     // of this report, upwards within one connection
  std::optional<SaId> replaces = std::nullopt;  // its predecessor, of which a rekey has made it
};

}  // namespace hasync::hasyncd
