// TakenOver: the CHILD_SAs that an owner has taken over and that could be sent old packets, and when each is
// to be rekeyed: evenly over some time, as not all at once. Pure: the same SAs give the same plan on every
// node.
//
// Where a CHILD_SA has ended its inbound SA may still be in the kernel, for packets that are late: charon
// leaves it there for some seconds after a rekey.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "hasyncd/log/agreement.h"
#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

// What takeovers make charon begin at a tick, at most: each is an exchange that waits for the log.
constexpr std::size_t kExchangesAtOnce = 16;

class TakenOver {
 public:
  // Rekeys are spread over this; 0: there are none.
  explicit TakenOver(Duration spread) : spread_(spread) {}

  // By SPI, as a peer may move to another address: outbound, and inbound of the same CHILD_SA.
  using Spis = std::map<EspSpi, EspSpi>;
  void begin(Spis spis, Instant now);                                              // replaces all
  void add(EspSpi outbound, EspSpi inbound) { spis_.emplace(outbound, inbound); }  // rekeyed the next time
  void ended(EspSpi outbound);
  std::optional<EspSpi> inbound(EspSpi outbound) const;
  // It lives on, and takes nothing old any more. Returns its outbound SPI; nothing: it was not open.
  std::optional<EspSpi> closed(EspSpi inbound);
  // What the kernel has.
  void read(const std::vector<InboundTop>& tops);
  std::size_t size() const { return spis_.size() + lingering_.size(); }
  bool empty() const { return size() == 0; }
  // Some have ended, and the kernel is to say that it has none of them any more.
  bool lingers() const { return !lingering_.empty(); }
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
  Spis spis_;
  std::set<EspSpi> lingering_;  // inbound
  std::deque<Due> due_;         // ascending
  Instant again_{};
};

}  // namespace hasync::hasyncd
