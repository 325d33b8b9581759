// Who may speak for a gateway's address, as the wire showed it, and who spoke all the same. What counts is a
// segment, all IKE and ESP between two addresses, whatever the SA. A node is the owner from its announcement
// of the address on (gratuitous ARP, unsolicited neighbour advertisement) until another one announces it. So
// a tunnel that is given back is told from a node that has not noticed, which numbers and message IDs alone
// do not tell: its next packet may be the first of an SA.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "testbed/capture/frame.h"

namespace hasync::testbed {

// A packet of a node whose place another had taken.
struct Stray {
  Path path;
  std::int64_t at_ns = 0;
};

class OwnerLedger {
 public:
  void book(const Path& path, std::int64_t at_ns);
  void book(const Announcement& announcement, std::int64_t at_ns);
  // What was announced before a recording began is not known.
  void begin_recording() { owners_.clear(); }

  // Who announced an address last, in this recording.
  const std::map<Address, Mac>& owners() const { return owners_; }
  const std::vector<Stray>& strays() const { return strays_; }

 private:
  // A new owner's packets pass before its announcement does, by so much at most.
  static constexpr std::int64_t kEarly = 200'000'000;
  // Where none was seen: a former sender that is heard again so soon was never replaced.
  static constexpr std::int64_t kSoon = 1'000'000'000;

  struct Segment {
    Mac current;
    std::map<Mac, std::int64_t> last_heard;
  };

  std::map<Address, Mac> owners_;
  std::map<std::pair<Address, Address>, Segment> segments_;  // by source and destination
  std::vector<Stray> strays_;
};

}  // namespace hasync::testbed
