// Node: one member of the cluster as a state machine: events in, actions out, in order; no I/O, no clock.
//
// Composes the decisions: Agreement (epochs), Replica (state), Stability (what counts), Permission (the
// fence), Silence (whom to accuse), Proposals (what the owner says). Adds the role: when this node takes and
// gives up the address, opens and closes fence and gate, and what charon holds. Refuses to know keys and how
// anything is carried out.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "hasyncd/fence/permission.h"
#include "hasyncd/fence/silence.h"
#include "hasyncd/log/agreement.h"
#include "hasyncd/log/following.h"
#include "hasyncd/log/hearsay.h"
#include "hasyncd/log/replica.h"
#include "hasyncd/log/stability.h"
#include "hasyncd/node/actions.h"
#include "hasyncd/node/announcements.h"
#include "hasyncd/node/context_report.h"
#include "hasyncd/node/exposure.h"
#include "hasyncd/node/node_counts.h"
#include "hasyncd/node/node_settings.h"
#include "hasyncd/node/output_commit.h"
#include "hasyncd/node/proposals.h"
#include "hasyncd/node/puts.h"
#include "hasyncd/node/role.h"
#include "hasyncd/node/solitude.h"
#include "hasyncd/node/spending.h"
#include "hasyncd/node/taken_over.h"
#include "hasyncd/node/vpe_desk.h"
#include "hasyncd/node/vpe_reception.h"
#include "hasyncd/node/window_marks.h"

namespace hasync::hasyncd {

class Node {
 public:
  Node(NodeSettings settings, Epoch promised, Epoch confirmed);
  // What the ring says, in its order.
  Actions on_view(const std::vector<NodeId>& nodes, Instant now);
  Actions on_ring(NodeId from, const RingMessage& message, Instant now);
  Actions on_ring_lost(Instant now);
  Actions on_quorate(bool quorate, Instant now);
  Actions on_heartbeat(const Heartbeat& heartbeat, Instant now);
  Actions on_tick(Instant now);                      // every heartbeat interval
  Actions on_suspended(Duration time, Instant now);  // the machine was, for so long, just until now

  // What charon says. A connection begins with a report of every IKE_SA, then on_charon_synced.
  Actions on_charon(ContextReport report, Instant now);
  Actions on_charon_gone(SaId sa, std::uint64_t number, Instant now);
  Actions on_charon_synced(Instant now);
  Actions on_charon_lost(Instant now);
  // A PutContext was carried out (or refused: tried again when the context changes, and by ask_refused).
  Actions on_put(SaId sa, bool installed, Instant now);
  Actions ask_refused(Instant now);  // now and then
  // A ReleaseContexts was carried out (or refused: charon does not have them).
  Actions on_released(const std::vector<SaId>& sas, Instant now);
  // Whether this node can reach peers and servers: its links carry.
  Actions on_links(const std::vector<std::string>& down, Instant now);

  // A vped receives VPE here, or (0) none does. It takes nothing any more of what came before this AskFresh.
  Actions on_vpe(std::uint64_t session, Instant now);
  Actions on_retired(EspSpi inbound, std::uint64_t reception, Instant now);

  // What the gate and the kernel say of the numbers of outbound SAs.
  Actions on_used(const std::vector<OutboundUse>& uses, Instant now);

  // How long a lease must last at an SA's peak; from Corosync's times, once they are known.
  void leases_last(Duration time) { spending_.leases_last(time); }
  // ESP let in since the programs were loaded; all inbound windows, and that count when their reading began.
  void on_let_in(const LetIn& count) { exposure_.counted(count); }
  Actions on_windows(const std::vector<InboundTop>& tops, std::uint64_t let_in, Instant now);
  bool wants_windows() const;  // whether or not anything comes
  // charon is about to install a window at this top: where it is to stand.
  std::uint64_t window(const InboundKey& key, std::uint64_t top) { return marks_.raise(key, top); }
  void keep_windows(const std::vector<InboundKey>& known) { marks_.keep(known); }

  Result<Actions> move(NodeId to, Instant now);  // the operator's wishes
  Actions stop(Instant now);
  // In a cluster of two, on the operator's word that the other node is off: owns, with an empty state.
  Result<Actions> take_alone(Instant now);

  Role role() const { return role_; }
  bool synced() const { return charon_synced_; }
  bool quorate() const { return quorate_; }
  Instant deadline() const { return deadline_; }
  std::optional<Duration> least_margin() const { return least_margin_; }  // of renewals, in this reign
  const NodeCounts& counted() const { return counted_; }
  const Agreement& agreement() const { return agreement_; }
  const Replica& replica() const { return replica_; }
  const Stability& stability() const { return stability_; }
  const Silence& silence() const { return silence_; }
  // As the owner: packets that could be replayed since takeovers; else: that a takeover now would leave so.
  std::optional<std::uint64_t> replay_bound(Instant now) const { return exposure_.bound(now); }
  std::size_t exposed() const, exposed_vpe() const;  // CHILD_SAs (of VPE) that this concerns, as the owner
  bool ready(NodeId node) const;
  std::size_t refused(NodeId node) const;   // contexts, by its charon
  std::optional<bool> held(SaId sa) const;  // by charon here: whether it answers for it
  // What charon here answers for and the cluster does not know yet, behind `after`, up to `last`.
  std::vector<SaId> unlogged(std::optional<SaId> after, std::optional<SaId> last) const;

 private:
  // node.cpp: ring and heartbeats
  void carry(AgreementActions actions, Instant now, Actions& out);
  void installed(const Install& install, Instant now, Actions& out);
  void take(NodeId from, const Snapshot& part, Instant now, Actions& out);
  void begin_grants(bool all);
  void send_snapshot(Actions& out);
  void know_keeper(bool group_changes);
  void apply(Process from, std::uint64_t number, const Entry& entry, Instant now, Actions& out);
  void send(std::variant<Propose, Sync, Evict, Hello, Entry, Snapshot> body, Actions& out);
  Heartbeat heartbeat(Instant now);
  void beat(Instant now, Actions& out);
  void progressed(Actions& out);
  StateMark reported() const;
  void flush(Actions& out);
  void accuse(Instant now, Actions& out);
  void learn(Epoch epoch, const Mark& mark, Process owner, Instant now);
  void watch_candidates(Instant now);
  bool answers(Process from, Instant now);
  bool deaf(Instant now) const;
  void find_back(Instant now, Actions& out);

  // node_role.cpp: role, fence, address
  bool mine() const;
  void settle(Instant now, Actions& out);
  void yield(Actions& out);
  void enter(Role role, const char* why, Actions& out);
  void begin_taking(bool moved, Actions& out);
  bool may_open(Instant now) const;
  bool counts() const { return quorate_ || agreement_.of_two(); }  // of two, corosync takes none for quorate
  void renew(Instant now, Actions& out);
  void give_up(Role role, const char* why, Actions& out);
  std::optional<NodeId> successor() const;
  void leave_to(NodeId to, const char* why, Actions& out);
  bool alone_in_ring() const;
  void watch_the_other(Instant now, Actions& out);

  // node_effects.cpp: gate, numbers
  void take_effect(const Changes& changes, Actions& out);
  using Range = std::pair<std::uint64_t, std::uint64_t>;  // floor, ceiling
  void place(const std::vector<OutboundKey>& keys, Range (Node::*range_of)(const LeaseState&) const,
             Actions& out);
  Range behind_the_lease(const LeaseState& lease) const;
  Range within_the_lease(const LeaseState& lease) const;
  void stand_by(const std::vector<OutboundKey>& keys, Actions& out);
  void grant_now(const std::vector<OutboundKey>& keys, Actions& out);
  void grant_when_stable(const std::vector<OutboundKey>& keys, Actions& out);
  void stable_grants(Actions& out);
  bool waits_for_grant(const OutboundKey& key, std::uint64_t stable) const;
  std::vector<OutboundNumber> numbers_of(const Delta& delta) const;
  void close_for(const Delta& delta, Actions& out);
  void reopen(const Delta& delta, Actions& out);
  bool being_put(const LeaseState& lease) const { return puts_.contains(lease.sa); }

  // node_charon.cpp
  void put(SaId sa, Actions& out);
  void put_upserted(const std::vector<SaId>& sas, bool known_to_charon, Actions& out);
  void ask_puts(Actions& out);
  void rekey(SaId sa, const OutboundKey& key, Actions& out);
  void restore(SaId sa, Actions& out);
  bool overtaken(SaId sa) const;  // by the log: charon refused it, and has not been asked again
  void silence(SaId sa, Actions& out);
  void release(std::vector<SaId> sas, Actions& out);
  void propose(ContextReport report);
  bool takes_what_is_not_its_own(const ContextReport& report) const;
  void close_moved(const ContextReport& report, Actions& out);
  void reconcile(bool distrust, Actions& out);
  bool handed_on(SaId sa, const OutboundSa& child) const;
  std::vector<EspSpi> handed_on(const Delta& context) const;
  void discard_proposals(Actions& out);
  void discard_output(Actions& out);

  // node_windows.cpp: inbound windows, what could be replayed
  void hear_windows(const Heartbeat& heartbeat, Instant now, Actions& out);
  void tell_windows(Instant now, Actions& out);
  void tell_again(Instant now, Actions& out);
  void tell_on(std::size_t parts, Instant now, Actions& out);
  void settle_windows();
  TakenOver::Spis children(bool vpe) const;  // all CHILD_SAs that are VPE, or are ESP
  void expose(Instant now, Actions& out);
  void fall_back(const Delta& context);
  void ended(const Changes& changes);
  void close_exposure(Actions& out);
  void rekey_exposed(Instant now, Actions& out);
  void rekey(EspSpi spi, Actions& out);

  // node_vpe.cpp
  void serve_vpe(Actions& out);
  void rekey_vpe(const std::vector<EspSpi>& spis, bool all, Actions& out);
  void expose_vpe(Instant now, Actions& out);
  void ask_fresh(Instant now, Actions& out);

  // node_numbers.cpp
  void tell(const OutboundUse& use, const LeaseState& lease, const Spending::Need& need, Actions& out);
  bool fell_back(const OutboundUse& use, const LeaseState& lease) const;

  NodeSettings settings_;
  Agreement agreement_;
  Replica replica_;
  Stability stability_;
  Permission permission_;
  Silence silence_;
  Hearsay hearsay_;
  Following following_;
  Proposals proposals_;
  OutputCommit output_;
  Spending spending_;
  WindowMarks marks_;
  Exposure exposure_;
  TakenOver taken_over_;
  VpeDesk vpe_;
  VpeReception reception_;
  Solitude solitude_;
  Role role_ = Role::Out;
  bool in_epoch_ = false;        // a member of the current epoch, ring connected
  bool may_have_moved_ = false;  // a Move was sent, and the group changed before it came back
  bool quorate_ = false, ready_ = false, stopping_ = false, finished_ = false, links_up_ = true;
  std::optional<Duration> least_margin_;
  Instant deadline_{}, last_tick_{}, windows_told_{};
  Instant answered_{}, last_accused_{};  // the first: the owner's heartbeat
  Announcements announcements_;
  std::optional<Instant> wait_from_;       // Taking: a majority was heard in the new epoch
  std::optional<std::uint64_t> moved_at_;  // Taking: after a Move at this position,
  Process moved_from_;                     // by this owner
  std::uint64_t message_number_ = 0, heartbeat_number_ = 0, void_told_ = 0;
  NodeCounts counted_;
  std::deque<Snapshot> snapshot_;                     // for those who need it: not sent yet
  bool charon_synced_ = false, charon_lost_ = false;  // lost: it was there before
  std::uint64_t trusted_reign_ = 0;                   // and then this node owned, for the n-th time
  bool to_reconcile_ = false;                         // charon came while this node had no part
  std::map<SaId, bool> charon_;                       // what charon holds: active?
  Puts puts_;
  std::map<SaId, std::uint64_t> restored_;  // put again after a loss, by version
  std::set<SaId> refused_;         // at the newest PUT that it answered: what charon keeps of it is no good
  std::multiset<SaId> releasing_;  // under way: once for each time it was asked
  std::set<SaId> disowned_;        // released since charon came, and not gone yet
  std::uint64_t ended_at_ = 0;     // of CHILD_SAs, by the newest position that has it
  std::map<OutboundKey, GateLimits> gate_;                   // as last set
  std::map<std::uint64_t, std::set<OutboundKey>> unstable_;  // leases by the position that grants them
};

}  // namespace hasync::hasyncd
