// What a node is doing, by what it knows.
#pragma once

#include <string>

namespace hasync::hasyncd {

enum class Role {
  Out,      // no part in any epoch: starting, cut off, evicted
  Standby,  // member; another node owns, or nobody
  Taking,   // owner by the log, waiting for the old owner's permission to end
  Owner,    // passes packets
  Lapsed,   // owner whose permission has run out: silent until a majority answers again
  Leaving,  // owner that has closed its fence and asked the log for another
};
std::string to_string(Role role);
// Answers for the address, whether or not it may pass packets.
constexpr bool reigns(Role role) {
  return role == Role::Owner || role == Role::Lapsed || role == Role::Leaving;
}

}  // namespace hasync::hasyncd
