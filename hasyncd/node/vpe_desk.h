// VpeDesk: what a gateway does for its vped (docs/decisions/0013-vpe-in-the-cluster.md). Tells the log of
// each vped that begins here, and hands on the shares of VPE's CHILD_SAs that the log then gives it, once
// they are stable.
//
// Refuses to know: who owns (all gateways send), charon beyond what it holds, time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "hasyncd/log/replica.h"
#include "hasyncd/node/actions.h"

namespace hasync::hasyncd {

class VpeDesk {
 public:
  explicit VpeDesk(NodeId self) : self_(self) {}

  // charon's plugin: this vped receives here from now on; 0: none does.
  void begin(std::uint64_t session);
  std::uint64_t session() const { return session_; }
  // The log does not know of it, and is to be told now. Not before installed() or void_entry() again.
  std::optional<VpeBegin> to_tell(const VpeShares& shares);
  void void_entry() { told_ = false; }

  // The state has changed, at this position; an epoch begins, with the same state or without what there was.
  void changed(const std::vector<EspSpi>& shared, std::uint64_t position);
  void installed();
  void state_lost(const std::vector<EspSpi>& was);
  // charon has been given this: perhaps it did not have these any more.
  void held(const std::vector<OutboundSa>& outbound);
  void charon_lost();

  // What a charon of this owner reports. `fresh`: it is known to be new. What is not, or was in a state that
  // is lost, may have been sent on.
  void reported(SaId sa, std::vector<OutboundSa>& outbound, bool fresh);
  void gone(SaId sa) { reported_.erase(sa); }
  // By IKE_SA, outbound and inbound, as charon has reported them last.
  const std::map<SaId, std::map<EspSpi, EspSpi>>& reported() const { return reported_; }

  // The shares that count now, and are to be handed on (again). `holds`: whether charon here has this IKE_SA.
  std::optional<GiveVpe> to_give(const VpeShares& shares, std::uint64_t stable,
                                 const std::function<bool(SaId)>& holds);

 private:
  bool waits(EspSpi spi) const;

  NodeId self_;
  std::uint64_t session_ = 0;
  bool told_ = false;                                   // the log of it, or it is under way
  std::map<std::uint64_t, std::set<EspSpi>> unstable_;  // by the position that they wait for
  std::set<EspSpi> due_;                                // to be looked at
  std::map<SaId, std::map<EspSpi, EspSpi>> reported_;
  std::set<EspSpi> old_;  // of states that are lost
};

}  // namespace hasync::hasyncd
