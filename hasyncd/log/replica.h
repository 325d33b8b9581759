// Replica: the replicated state, as the log makes it. Who owns, which contexts there are, which numbers are
// leased.
//
// apply() is a pure function of the entries delivered in an epoch, so members that installed the same epoch
// from the same reference hold the same state at the same index. Refuses to know: charon, kernels, keys
// (contexts stay sealed), time, and what is stable (Stability).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "hasyncd/log/agreement.h"
#include "hasyncd/log/ended_leases.h"
#include "hasyncd/log/vpe_shares.h"
#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

// Numbers of one outbound SA. The owner may use floor <= number < end, once the grant of `end` is stable.
struct LeaseState {
  SaId sa;
  std::uint64_t floor = 0;
  std::uint64_t end = 0;
  bool esn = false;
  std::uint64_t left = 0;  // the highest number that is known to have left, under whatever address; 0: none
  bool operator==(const LeaseState&) const = default;
};

// Without ESN numbers end here (RFC 4303, section 3.3.3); no lease reaches beyond.
inline constexpr std::uint64_t kNumbers32 = std::uint64_t{1} << 32U;
constexpr std::uint64_t capped(std::uint64_t end, bool esn) {
  return esn || end < kNumbers32 ? end : kNumbers32;
}

// What one step changed, for whoever turns it into effects. Lists are without repetition, in no given order.
struct Changes {
  bool counted = false;  // false: the entry was void and is not part of the log
  bool refused =
      false;  // counted, but it broke a rule (not from the owner, unknown SA, older version): no effect
  std::vector<SaId> upserted;
  std::vector<SaId> gone;
  std::vector<OutboundKey> leased;    // new, extended, or moved on by a change of owner
  std::vector<OutboundKey> unleased;  // the gate forgets them
  std::vector<EspSpi> shared;    // VPE SAs on which somebody has another share, or that another IKE_SA has
  std::vector<EspSpi> unshared;  // that have ended
  bool owner_changed = false;
  bool became_whole = false;  // the last part of a snapshot was applied
};

// Positions in an epoch: 1 and 2 are its beginning (held; held and confirmed), entries follow.
inline constexpr std::uint64_t kBeginning = 2;

class Replica {
 public:
  // `lease`: numbers granted at a time. `self` finds this process in an Install.
  Replica(Process self, std::uint64_t lease) : self_(self), lease_(lease) {}

  Changes install(const Install& install);
  Changes apply(Process from, std::uint64_t number, const Entry& entry);
  Changes take(NodeId from, const Snapshot& part);
  // The state as it stands, in parts that fit a ring message. Only of a whole state.
  std::vector<Snapshot> snapshot() const;

  // What is held. While a snapshot is awaited, that is still the state of the earlier epoch.
  StateMark mark() const;
  // The state is that of the installed epoch.
  bool current() const { return mark_.whole && mark_.epoch == install_.epoch; }
  // Of a snapshot that is awaited: how many parts have come.
  std::size_t parts() const { return waiting_ ? waiting_->parts.size() : 0; }
  // The digest at the beginning of the installed epoch, whatever came since.
  std::uint64_t beginning_digest() const { return beginning().digest; }
  Process owner() const { return owner_; }
  std::uint64_t lease_size() const { return lease_; }
  const std::map<SaId, Delta>& contexts() const { return contexts_; }
  const std::map<OutboundKey, LeaseState>& leases() const { return leases_; }
  const EndedLeases& ended() const { return ended_; }
  const VpeShares& vpe() const { return vpe_; }
  // The IKE_SA that has this SPI now: rekeying hands CHILD_SAs on, and a new address makes new keys of them.
  std::optional<SaId> newest_of(EspSpi spi) const;

 private:
  void apply_body(Process from, const Delta& delta, Changes& out);
  void apply_body(Process from, const Gone& gone, Changes& out);
  void apply_body(Process from, const Grant& grant, Changes& out);
  void apply_body(Process from, const Move& move, Changes& out);
  void apply_body(Process from, const VpeBegin& begin, Changes& out);
  void hold_vpe(const Delta& delta, Changes& out);
  void let_go_vpe(const Delta& before, const std::vector<OutboundSa>& keep, Changes& out);
  void choose_owner(Changes& out);
  void change_owner(Process to, Changes& out);
  void lease_new(const Delta& delta, const OutboundSa& outbound, Changes& out);
  const LeaseState* highest_of(EspSpi spi) const;
  std::vector<OutboundKey> by_end(EspSpi spi) const;
  void raise(EspSpi spi, std::uint64_t used);
  void drop_leases(const Delta& before, const std::vector<OutboundSa>& keep, Changes& out);
  void pass_on(const OutboundKey& key, const LeaseState& ended, Changes& out);
  void hold(const Delta& delta);
  Delta let_go(std::map<SaId, Delta>::iterator context);
  std::vector<SaId> naming(EspSpi spi) const;
  void begin_empty(Changes& out);
  StateMark beginning() const;
  Changes finish_snapshot();
  void adopt(const SnapshotSa& record, Changes& out);

  Process self_;
  std::uint64_t lease_;
  Install install_;
  Epoch begun_;  // the state began empty in this epoch; 0: it came from another
  StateMark mark_;
  Process owner_;
  std::map<SaId, Delta> contexts_;
  std::set<std::pair<EspSpi, SaId>> named_;  // by contexts_
  std::map<OutboundKey, LeaseState> leases_;
  std::set<std::pair<EspSpi, Address>> by_spi_;  // of leases_
  EndedLeases ended_;                            // of SPIs that are not in named_
  VpeShares vpe_;

  struct Waiting {  // entries and parts that came before the snapshot was complete
    std::vector<Snapshot> parts;
    std::vector<std::pair<std::pair<Process, std::uint64_t>, Entry>> entries;
  };
  std::optional<Waiting> waiting_;
};

}  // namespace hasync::hasyncd
