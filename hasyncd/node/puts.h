// Puts: PUTs that charon has not answered, and those that are not asked for yet, since the log could still
// lose what they hold: of an exchange charon repeats to the peer what its context has
// (docs/decisions/0005-output-commit.md).
//
// Refuses to know: contexts, who owns, what is stable.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "hasyncd/log/agreement.h"
#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

class Puts {
 public:
  struct UnderWay {
    bool active = false;
    bool again = false;  // something newer came meanwhile
  };

  // The newest context of this IKE_SA, which the log has at this position, is to be put. False: one is to be
  // put or under way already, and this one will be.
  bool want(SaId sa, std::uint64_t position);
  // Those that are wanted and in the log up to here, in the order in which they were wanted.
  std::vector<SaId> due(std::uint64_t position) const;
  // One of these is asked for now: what was to be rekeyed behind it. Or it is wanted no more.
  std::vector<OutboundKey> asked(SaId sa, bool active);
  void forget(SaId sa) {
    std::erase_if(wanted_, [sa](const Wanted& one) { return one.sa == sa; });
  }
  // Of one that is wanted: charon cannot rekey what it does not have.
  void rekey_behind(SaId sa, const OutboundKey& key);
  // charon has answered. None: nothing was asked.
  std::optional<UnderWay> answered(SaId sa);
  // Positions count anew: all that is wanted is part of the state that the epoch begins with.
  void begin_epoch();
  void clear() { *this = {}; }

  bool wanted(SaId sa) const;    // and not asked for yet: what charon holds of it is no good
  bool contains(SaId sa) const;  // or asked for
  bool empty() const { return wanted_.empty() && under_way_.empty(); }

  // Where tunnels come and are rekeyed all the time there is hardly an instant without a PUT: charon keeps up
  // if there was one lately. Said at the end of every event.
  bool keeps_up(Instant now);
  // All that the log has is to be gone through: what was before does not count.
  void begin_round() { last_empty_.reset(); }

 private:
  struct Wanted {
    SaId sa;
    std::uint64_t position = 0;
    std::vector<OutboundKey> rekeys;
  };
  std::deque<Wanted> wanted_;
  std::map<SaId, UnderWay> under_way_;
  std::optional<Instant> last_empty_;
};

}  // namespace hasync::hasyncd
