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

#include "hasyncd/node/reports.h"
#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

class Proposals {
 public:
  // `report`: charon's number of what this comes from; 0: charon waits for nothing.
  void changed(Delta delta, std::uint64_t report = 0);  // its version is set when it is sent
  void gone(SaId sa, std::uint64_t report = 0);
  void grant(const Lease& lease);
  void move(NodeId to);
  void cancel_move() { move_.reset(); }

  // What to send now. `known`: versions in the replicated state. Each body gets a number when it is sent.
  std::vector<Entry> due(Epoch epoch, const std::map<SaId, Delta>& known);
  void sent(std::uint64_t number, const Entry& entry);
  // Our entry `number` came back; not counted: it was void and is due again. False: it was forgotten
  // meanwhile.
  bool delivered(std::uint64_t number, bool counted);
  // charon is gone, and with it what it had done: no context is said (again). What is under way may still
  // count.
  void forget_contexts();
  // What is under way will not come back: the ring is gone, or what it carries is void. All of it is due
  // again.
  void repeat_all();
  // Not the owner any more: nothing of this concerns the log. Returns whose contexts it was about.
  std::set<SaId> clear();

  // Something is to be said of this context, or is on its way.
  bool concerns(SaId sa) const {
    const auto it = busy_.find(sa);
    return deltas_.contains(sa) || gone_.contains(sa) || (it != busy_.end() && !it->second.forgotten);
  }
  // An entry about this context has not come back yet, forgotten or not.
  bool under_way(SaId sa) const { return busy_.contains(sa); }
  bool grant_pending(const OutboundKey& key) const { return grants_.contains(key) || granted_.contains(key); }
  // Every report of charon's up to here is in the log.
  std::uint64_t settled() const { return reports_.settled(); }
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
  struct Busy {
    bool forgotten = false;
  };
  std::map<SaId, Busy> busy_;      // a delta or a gone of these is under way
  std::set<OutboundKey> granted_;  // a grant of these is under way
  Reports reports_;
};

}  // namespace hasync::hasyncd
