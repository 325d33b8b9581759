// Proposals: what the owner has to say to the log, and what of it is under way.
//
// Keeps the newest context of each IKE_SA only, one of each under way at a time; what was void is said again.
// Refuses to know: epochs' meaning, effects.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

class Proposals {
 public:
  void changed(Delta delta);  // its version is set when it is sent
  void gone(SaId sa);
  void grant(const Lease& lease);
  void move(NodeId to);
  void cancel_move() { move_.reset(); }

  // What to send now. `known`: versions in the replicated state. Each body gets a number when it is sent.
  std::vector<Entry> due(Epoch epoch, const std::map<SaId, Delta>& known);
  void sent(std::uint64_t number, const Entry& entry);
  // Our entry `number` came back; not counted: it was void and is due again.
  void delivered(std::uint64_t number, bool counted);
  // What is under way will not come back: the ring is gone, or what it carries is void. All of it is due
  // again.
  void repeat_all();
  // Not the owner any more: nothing of this concerns the log. Returns whose contexts it was about.
  std::set<SaId> clear();

  // Something is to be said of this context, or is on its way.
  bool concerns(SaId sa) const { return deltas_.contains(sa) || gone_.contains(sa) || busy_.contains(sa); }
  bool grant_pending(const OutboundKey& key) const { return grants_.contains(key) || granted_.contains(key); }
  bool idle() const {
    return deltas_.empty() && gone_.empty() && grants_.empty() && !move_ && in_flight_.empty();
  }

 private:
  void again(const Entry& entry);

  std::map<SaId, Delta> deltas_;
  std::set<SaId> gone_;
  std::map<OutboundKey, Lease> grants_;
  std::optional<NodeId> move_;
  std::map<std::uint64_t, Entry> in_flight_;
  std::set<SaId> busy_;            // a delta or a gone of these is under way
  std::set<OutboundKey> granted_;  // a grant of these is under way
};

}  // namespace hasync::hasyncd
