#include "tests/sim/sabotage.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "tests/sim/machine.h"

namespace hasync::sim {

namespace {

using namespace hasyncd;
using sim::Instant;

template <typename Body>
const Body* sent(const Action& action) {
  const auto* send = std::get_if<SendRing>(&action);
  return send == nullptr ? nullptr : std::get_if<Body>(&send->message.body);
}

const Grant* own_grant(const Machine& m, NodeId from, const RingMessage& message) {
  const auto* entry = std::get_if<Entry>(&message.body);
  const bool own = entry != nullptr && from == m.id() && m.node()->role() == Role::Owner;
  return own ? std::get_if<Grant>(&entry->body) : nullptr;
}

void open_up_to(Machine& m, const Grant& grant) {
  SetGate gate;
  for (const Lease& lease : grant.leases) gate.limits.push_back({lease.key, 0, lease.end});
  m.carry_out(gate);
}

std::vector<hasyncd::Process> other_members(const Machine& m) {
  std::vector<hasyncd::Process> out;
  for (const EpochMember& member : m.node()->agreement().current()->members) {
    if (member.process.node != m.id()) out.push_back(member.process);
  }
  return out;
}

// What a node has itself, everybody is taken to have.
class SelfDeliveryCounts : public Sabotage {
  void hears(Machine& m, Heartbeat& heartbeat) override { heard_[{m.id(), heartbeat.from.node}] = heartbeat; }
  void then(Machine& m) override {
    const StateMark mark = m.node()->replica().mark();
    if (m.node()->role() != Role::Owner || std::exchange(done_[m.id()], mark) == mark) return;
    for (auto& [who, heartbeat] : heard_) {
      if (who.first != m.id() || heartbeat.epoch != mark.epoch || heartbeat.index < kBeginning) continue;
      Heartbeat lie = heartbeat;
      std::tie(lie.index, lie.digest) = std::tie(mark.index, mark.digest);
      m.is_told(lie);
    }
  }
  std::map<std::pair<NodeId, NodeId>, Heartbeat> heard_;  // by, from
  std::map<NodeId, StateMark> done_;
};

// A grant that is delivered when its epoch has ended is used all the same.
class LeaseFromOldView : public Sabotage {
  void delivered(Machine& m, NodeId from, const RingMessage& message) override {
    const Grant* grant = own_grant(m, from, message);
    if (grant == nullptr) return;
    const Agreement& agreement = m.node()->agreement();
    const bool ended =
        agreement.frozen() || agreement.current()->epoch != std::get<Entry>(message.body).epoch;
    if (ended) open_up_to(m, *grant);
  }
};

class CeilingFromUnstable : public Sabotage {
  void delivered(Machine& m, NodeId from, const RingMessage& message) override {
    if (const Grant* grant = own_grant(m, from, message)) open_up_to(m, *grant);
  }
};

class NoGate : public Sabotage {
  bool does(Machine&, Action& action) override {
    if (auto* set = std::get_if<SetGate>(&action)) {
      for (GateLimits& limits : set->limits) limits = {limits.key, 0, ~0ULL};
    }
    return true;
  }
};

// charon's delete-and-add under one address (update_sa) repeats numbers.
class GateLetsRepeats : public Sabotage {
  bool gate_lets_repeats() override { return true; }
};

// The same where charon repeats nothing: then nobody does.
class NobodyRepeats : public GateLetsRepeats {
  bool moves_repeat() override { return false; }
};

// Each change of an owner's gate sets the kernel's counter as well, to the gate's floor. A gate that lets
// each number out once would hide it.
class NewaeRewinds : public NobodyRepeats {
  bool does(Machine& m, Action& action) override {
    const auto* set = std::get_if<SetGate>(&action);
    if (set == nullptr || m.node()->role() != Role::Owner) return true;
    SetNumbers numbers;
    for (const GateLimits& limits : set->limits) numbers.numbers.push_back({limits.key, limits.floor - 1});
    m.rewind(numbers);
    return true;
  }
};

class NoFenceWait : public Sabotage {
  void then(Machine& m) override {
    if (m.node()->role() != Role::Taking) return;
    m.carry_out(SetDeadline{m.clock() + m.fence()});
    m.carry_out(HoldAddress{});
  }
};

class DeadlineFromNow : public Sabotage {
  bool does(Machine& m, Action& action) override {
    if (auto* deadline = std::get_if<SetDeadline>(&action)) deadline->until = m.clock() + m.fence();
    return true;
  }
};

// An owner takes the others' consent for granted.
class TwoNodesBothRenew : public Sabotage {
  void then(Machine& m) override {
    const Role role = m.node()->role();
    if ((role != Role::Owner && role != Role::Lapsed) || m.clock() - last_[m.id()] < m.fence() / 4) return;
    last_[m.id()] = m.clock();
    const auto now = static_cast<std::uint64_t>(m.clock().count());
    for (const hasyncd::Process& other : other_members(m)) {
      m.is_told(
          {.from = other, .epoch = m.node()->agreement().current()->epoch, .acks = {{m.process(), now}}});
    }
  }
  std::map<NodeId, Instant> last_;
};

// A node without the state says that it has it.
class ReturnWithoutSnapshot : public Sabotage {
  void then(Machine& m) override {
    const StateMark mark = m.node()->replica().mark();
    const auto rank = [](const StateMark& s) { return std::tuple{s.whole, s.epoch, s.index}; };
    if (m.node()->role() == Role::Owner && rank(mark) > rank(best_)) best_ = mark;
  }
  bool does(Machine&, Action& action) override {
    if (sent<Sync>(action) == nullptr || !best_.whole) return true;
    Sync& sync = std::get<Sync>(std::get<SendRing>(action).message.body);
    if (sync.state_epoch >= best_.epoch) return true;
    std::tie(sync.has_state, sync.state_epoch, sync.index, sync.digest) =
        std::tuple{true, best_.epoch, best_.index, best_.digest};
    return true;
  }
  StateMark best_;
};

// A standby does not move on when another takes over: taking over after it, it begins where that one began.
class SecondTakeoverSameRange : public Sabotage {
  bool does(Machine& m, Action& action) override {
    const bool changed = m.node()->replica().owner() != owner_[m.id()];
    const bool position =
        std::holds_alternative<SetGate>(action) || std::holds_alternative<SetNumbers>(action);
    return !(changed && position && m.node()->role() == Role::Standby);
  }
  void then(Machine& m) override { owner_[m.id()] = m.node()->replica().owner(); }
  std::map<NodeId, hasyncd::Process> owner_;
};

// The end of a lease is forgotten: if an old copy of an IKE_SA, or a late report, names its SPI still, that
// begins with the first number.
class EndedLeaseBeginsAnew : public Sabotage {
  void then(Machine& m) override {
    const Replica& replica = m.node()->replica();
    for (const EndedLease& ended : replica.ended().all()) ended_.insert(ended.spi);
    std::map<EspSpi, SaId>& holders = holders_[m.id()];
    for (const auto& [key, lease] : replica.leases()) {
      SaId& holder = holders[key.spi];
      if (lease.sa < holder && !names(replica, holder, key.spi)) ended_.insert(key.spi);
      holder = lease.sa;
      if (m.node()->role() == Role::Owner && ended_.contains(key.spi) && has(m, lease.sa, key.spi))
        begin_anew(m, key, lease);
    }
  }
  static bool names(const Replica& replica, SaId sa, EspSpi spi) {
    const auto context = replica.contexts().find(sa);
    return sa == SaId{} || (context != replica.contexts().end() &&
                            std::ranges::any_of(context->second.outbound,
                                                [spi](const OutboundSa& o) { return o.key.spi == spi; }));
  }
  static bool has(const Machine& m, SaId sa, EspSpi spi) {
    const auto held = m.held().find(sa);
    return held != m.held().end() && std::ranges::count(held->second.sa.children, spi, &Child::spi) != 0;
  }
  void begin_anew(Machine& m, const OutboundKey& key, const LeaseState& lease) {
    if (!done_.insert({m.id(), key}).second) return;
    m.rewind({{{key, 0}}});
    m.carry_out(ForgetGate{{key}});
    m.carry_out(SetGate{{{key, 1, lease.end}}});
  }
  std::map<NodeId, std::map<EspSpi, SaId>> holders_;
  std::set<EspSpi> ended_;
  std::set<std::pair<NodeId, OutboundKey>> done_;
};

class NoEvict : public Sabotage {
  bool does(Machine&, Action& action) override { return sent<Evict>(action) == nullptr; }
};

// What others have installed is not waited for: at the own install, all are taken to have been heard.
class WaitFromOwnViewChange : public Sabotage {
  void then(Machine& m) override {
    const auto& epoch = m.node()->agreement().current();
    if (!epoch || std::exchange(seen_[m.id()], epoch->epoch) == epoch->epoch) return;
    for (const hasyncd::Process& other : other_members(m)) {
      m.is_told({.from = other, .epoch = epoch->epoch, .sent_ns = 1});
    }
  }
  std::map<NodeId, Epoch> seen_;
};

class WitnessForgets : public Sabotage {
  bool does(Machine& m, Action& action) override {
    auto* disk = std::get_if<Persist>(&action);
    if (disk != nullptr && !m.gateway()) *disk = {};
    return true;
  }
};

class ResponseBeforeStable : public Sabotage {
  void reported(Machine& m, std::uint64_t report) override { m.commit(report, m.lineage()); }
};

// A PUT has charon begin before the last request that was answered, or the one that waits for an answer.
class NotCarried : public Sabotage {
  bool does(Machine&, Action& action) override {
    if (auto* put = std::get_if<PutContext>(&action)) {
      IkeSa sa = unseal(put->sealed);
      forget(sa.messages);
      put->sealed = seal(sa);
    }
    return true;
  }
  virtual void forget(Messages& messages) = 0;
};

class AnswerNotCarried : public NotCarried {
  void forget(Messages& messages) override {
    if (messages.answered != 0) --messages.answered;
    messages.answer = 0;
  }
};

class RequestNotCarried : public NotCarried {
  void forget(Messages& messages) override {
    if (std::exchange(messages.request, 0) != 0) --messages.asked;
  }
};

class NoFence : public Sabotage {
  bool does(Machine&, Action& action) override {
    if (auto* deadline = std::get_if<SetDeadline>(&action)) deadline->until = Instant::max();
    return !std::holds_alternative<CloseFence>(action);
  }
};

class WindowNotFilled : public Sabotage {
  bool does(Machine& m, Action& action) override {
    const auto* raise = std::get_if<RaiseWindows>(&action);
    if (raise != nullptr) m.raise_windows(*raise, false);
    return raise == nullptr;
  }
};

// What comes in while a reading is taken is taken to be part of it.
class ReadingCoversMore : public Sabotage {
  void hears(Machine&, Heartbeat& heartbeat) override {
    if (heartbeat.windows) heartbeat.windows->let_in += 1000;
  }
};

// A new owner forgets what was open when it took over.
class OldExposureForgotten : public Sabotage {
  void hears(Machine&, Heartbeat& heartbeat) override {
    if (heartbeat.windows) heartbeat.windows->open = 0;
  }
};

template <typename What>
class Never : public Sabotage {
  bool does(Machine&, Action& action) override { return !std::holds_alternative<What>(action); }
};

class NoRelay : public Sabotage {
  void hears(Machine&, Heartbeat& heartbeat) override { heartbeat.heard.clear(); }
};

class DeafUnsaid : public Sabotage {
  void hears(Machine&, Heartbeat& heartbeat) override {
    heartbeat.deaf = false;
    for (Mark& mark : heartbeat.heard) mark.deaf = false;
  }
};

// Of two nodes, the one that does not own takes silence for death.
class TwoTakeFromSilence : public Sabotage {
  void then(Machine& m) override {
    const Node& node = *m.node();
    const bool alone = m.of_two() && node.agreement().candidates() == std::vector{m.id()};
    if (!alone || node.role() == Role::Owner || !node.replica().mark().whole) return;
    m.carry_out(SetDeadline{m.clock() + m.fence()});
    m.carry_out(HoldAddress{});
  }
};

std::optional<SaId> holder_of(const Machine& m, EspSpi spi) {
  for (const auto& [sa, held] : m.held()) {
    if (std::ranges::count(held.sa.children, spi, &Child::spi) != 0) return sa;
  }
  return {};
}

// Once each.
class HandsOn : public Sabotage {
 protected:
  void hand_on(Machine& m, EspSpi spi, vpe::Place place) {
    const auto holder = holder_of(m, spi);
    if (!holder || !done_.insert({m.vped_session(), spi, place}).second) return;
    m.carry_out(GiveVpe{m.vped_session(), {{*holder, spi, place}}});
  }

 private:
  std::set<std::tuple<std::uint64_t, EspSpi, vpe::Place>> done_;  // by session
};

// A share counts as soon as this node has seen it given, though the entry may be lost yet.
class VpeShareUnstable : public HandsOn {
  void then(Machine& m) override {
    if (!m.gateway()) return;
    const VpeShares& shares = m.node()->replica().vpe();
    for (const EspSpi spi : shares.all()) {
      if (const auto share = shares.share(spi, m.id(), m.vped_session())) hand_on(m, spi, *share);
    }
  }
};

// The log's newest share of this node is taken for its vped's, whichever that was.
class VpeShareOfOldSession : public HandsOn {
  void then(Machine& m) override {
    if (!m.gateway()) return;
    const VpeShares& shares = m.node()->replica().vpe();
    for (const EspSpi spi : shares.all()) {
      if (const auto share = shares.share(spi, m.id(), shares.session(m.id()))) hand_on(m, spi, *share);
    }
  }
};

// What was to be asked for counts as done.
class FreshWhenAsked : public Sabotage {
  bool does(Machine& m, Action& action) override {
    if (const auto* ask = std::get_if<AskFresh>(&action)) {
      for (const AskFresh::Child& child : ask->children)
        asked_.push_back({&m, child.inbound, ask->reception});
    }
    return true;
  }
  void then(Machine& m) override {
    for (const auto& [asked, inbound, reception] : std::exchange(asked_, {})) {
      if (asked == &m) m.retired(inbound, reception);
    }
  }
  std::vector<std::tuple<Machine*, EspSpi, std::uint64_t>> asked_;
};

// What the peer has once answered counts for ever, though another node may have received since.
class FreshRemembered : public Sabotage {
  void answered(Machine& m, EspSpi inbound) override { answered_.insert({m.id(), inbound}); }
  bool does(Machine& m, Action& action) override {
    auto* ask = std::get_if<AskFresh>(&action);
    if (ask == nullptr) return true;
    std::erase_if(ask->children, [&](const AskFresh::Child& child) {
      const bool known = answered_.contains({m.id(), child.inbound});
      if (known) remembered_.push_back({&m, child.inbound, ask->reception});
      return known;
    });
    return true;
  }
  void then(Machine& m) override {
    for (const auto& [asked, inbound, reception] : std::exchange(remembered_, {})) {
      if (asked == &m) m.retired(inbound, reception);
    }
  }
  std::set<std::pair<NodeId, EspSpi>> answered_;
  std::vector<std::tuple<Machine*, EspSpi, std::uint64_t>> remembered_;
};

template <typename What>
std::unique_ptr<Sabotage> make() {
  return std::make_unique<What>();
}

struct Kind {
  const char* name;
  const char* breaks;  // what the checker calls it; nothing: it is a premise of another
  std::unique_ptr<Sabotage> (*make)();
  const char* premise = "";
};

constexpr Kind kKinds[] = {
    {"self_delivery_counts", "I7 I1", make<SelfDeliveryCounts>},
    {"lease_from_old_view", "I1", make<LeaseFromOldView>},
    {"no_gate", "I1", make<NoGate>},
    {"ceiling_from_unstable", "I1", make<CeilingFromUnstable>},
    {"newae_rewinds", "I1", make<NewaeRewinds>, "nobody_repeats"},
    {"gate_lets_repeats", "I1", make<GateLetsRepeats>},
    {"no_fence_wait", "I2 I3", make<NoFenceWait>},
    {"deadline_from_now", "I3 I2", make<DeadlineFromNow>},
    {"two_nodes_both_renew", "I2 I3", make<TwoNodesBothRenew>},
    {"return_without_snapshot", "I7 I1", make<ReturnWithoutSnapshot>},
    {"second_takeover_same_range", "I1", make<SecondTakeoverSameRange>},
    {"ended_lease_begins_anew", "I1", make<EndedLeaseBeginsAnew>},
    {"no_evict", "liveness", make<NoEvict>},
    {"wait_from_own_view_change", "I2", make<WaitFromOwnViewChange>},
    {"witness_forgets", "I7 I1", make<WitnessForgets>},
    {"response_before_stable", "I7", make<ResponseBeforeStable>},
    {"answer_not_carried", "I4", make<AnswerNotCarried>},
    {"request_not_carried", "I4", make<RequestNotCarried>},
    {"no_fence", "I2 I3", make<NoFence>},
    {"fence_never_closed", "I2 I3", make<Never<CloseFence>>},
    {"numbers_never_set", "liveness I1", make<Never<SetNumbers>>},
    {"marks_not_applied", "I5", make<Never<RaiseWindows>>},
    {"window_not_filled", "I5", make<WindowNotFilled>},
    {"reading_covers_more", "I5", make<ReadingCoversMore>},
    {"old_exposure_forgotten", "I5", make<OldExposureForgotten>},
    {"no_relay", "liveness", make<NoRelay>},
    {"deaf_unsaid", "liveness", make<DeafUnsaid>},
    {"no_resync", "liveness", make<Never<Rejoin>>},
    {"two_take_from_silence", "I2 I1", make<TwoTakeFromSilence>},
    {"share_unstable", "I1", make<VpeShareUnstable>},
    {"share_of_old_session", "I1", make<VpeShareOfOldSession>},
    {"fresh_when_asked", "I5", make<FreshWhenAsked>},
    {"fresh_remembered", "I5", make<FreshRemembered>},
    // of VpeCluster, which knows them by name
    {"vpe_same_incarnation", "I1", make<Sabotage>},
    {"vpe_incarnation_unstable", "I1", make<Sabotage>},
    {"vpe_old_windows_kept", "I5", make<Sabotage>},
    {"nobody_repeats", "", make<NobodyRepeats>},
};

const Kind* find(const std::string& name) {
  const auto* kind = std::ranges::find(kKinds, name, &Kind::name);
  return kind == std::end(kKinds) ? nullptr : kind;
}

bool is_premise(const Kind& kind) {
  return *kind.breaks == 0;
}

}  // namespace

std::unique_ptr<Sabotage> sabotage(const std::string& name) {
  const Kind* kind = find(name);
  return kind == nullptr ? nullptr : kind->make();
}

std::string premise_of(const std::string& name) {
  const Kind* kind = find(name);
  return kind == nullptr ? "" : kind->premise;
}

bool breaks(const std::string& name, const std::string& failure) {
  const Kind* kind = find(name);
  return kind != nullptr &&
         (is_premise(*kind) ||
          std::string(kind->breaks).find(failure.substr(0, failure.find(':'))) != std::string::npos);
}

std::vector<std::string> sabotage_names() {
  std::vector<std::string> out;
  for (const Kind& kind : kKinds) out.emplace_back(kind.name);
  return out;
}

std::vector<std::string> mutations() {
  std::vector<std::string> out;
  for (const Kind& kind : kKinds) {
    if (!is_premise(kind)) out.emplace_back(kind.name);
  }
  return out;
}

}  // namespace hasync::sim
