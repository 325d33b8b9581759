// EndedLeases: of SPIs that no IKE_SA of the log names any more, up to where their numbers have been leased.
//
// What is said of a CHILD_SA may come to the log in another order than it happened: a report that was void is
// said again when the end of the CHILD_SA is in already, or a member has missed something in between. The
// CHILD_SA then begins behind its old lease. Part of the replicated state: the same at every member.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

class EndedLeases {
 public:
  // So many SPIs, the newest. One that is forgotten has ended long before anything that was under way then: a
  // report waits for a round through the ring, or for an epoch, in which none of this goes on.
  static constexpr std::size_t kRemembered = 65536;

  void remember(const EndedLease& ended);
  // Numbers below may have been used; 0: not known here. A peer chooses its SPIs as it likes (RFC 4301,
  // section 4.1), so one may come again; it then skips numbers for nothing.
  std::uint64_t end_of(EspSpi spi) const;
  // Oldest first: in this order they make the same memory elsewhere.
  std::vector<EndedLease> all() const;
  void clear() { *this = EndedLeases{}; }

 private:
  struct Memory {
    std::uint64_t end = 0;
    std::uint64_t turn = 0;
  };
  std::map<EspSpi, Memory> memories_;
  std::map<std::uint64_t, EspSpi> turns_;  // of memories_
  std::uint64_t turn_ = 0;
};

}  // namespace hasync::hasyncd
