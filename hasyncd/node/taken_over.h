// TakenOver: the CHILD_SAs that an owner has taken over and that could be sent old packets, and when each is
// to be rekeyed: evenly over some time, as not all at once. Pure: the same SAs give the same plan on every
// node.
#pragma once

#include <deque>
#include <set>
#include <vector>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

class TakenOver {
 public:
  // Rekeys are spread over this; 0: there are none.
  explicit TakenOver(Duration spread) : spread_(spread) {}

  // Replaces all: the outbound halves of what was taken over. By SPI: a peer may move to another address.
  void begin(std::set<EspSpi> spis, Instant now);
  void add(EspSpi spi) { spis_.insert(spi); }  // rekeyed when the others are tried again
  void ended(EspSpi spi) { spis_.erase(spi); }
  std::size_t size() const { return spis_.size(); }
  bool empty() const { return spis_.empty(); }
  // To be rekeyed now. What is there a minute after the last one is planned again: charon may have refused,
  // or its peer not answered.
  std::vector<EspSpi> due(Instant now);

 private:
  struct Due {
    Instant at;
    EspSpi spi;
  };
  void plan(Instant now);

  Duration spread_;
  std::set<EspSpi> spis_;
  std::deque<Due> due_;  // ascending
  Instant again_{};
};

}  // namespace hasync::hasyncd
