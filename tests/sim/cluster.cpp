#include "tests/sim/cluster.h"

#include <algorithm>

namespace hasync::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = seconds{1};     // until then nothing goes wrong
constexpr Duration kChaos = seconds{3};    // then this long things go wrong
constexpr Duration kSettle = seconds{15};  // and by then it must have settled
constexpr Duration kProof = milliseconds{200};
constexpr Duration kLongProof = milliseconds{1500};  // with a cut that stays: leases must go on
constexpr Duration kSilence = milliseconds{300};     // says dead, two_node = available
constexpr Duration kRecent = milliseconds{700};      // and packets not cease

}  // namespace

Cluster::Cluster(std::uint64_t seed, const std::string& mutation, bool verbose, Kind kind)
    : seed_(seed), world_(seed) {
  world_.sabotage = sabotage(mutation);
  world_.verbose = verbose;
  build(kind);
  if (world_.put_random.percent(20)) world_.refused = static_cast<double>(1 + world_.put_random.below(30));
}

// Mostly two gateways and a witness; sometimes three gateways, four and a witness, or two alone.
void Cluster::build(Kind kind) {
  const std::size_t shape = kind != Kind::Any ? 19 : world_.random.below(20);
  const std::uint32_t nodes = shape == 19 ? 2 : shape >= 17 ? 5 : 3;
  const std::uint32_t gateways = shape < 11 || nodes == 2 ? 2 : nodes == 5 ? 4 : 3;
  for (std::uint32_t i = 1; i <= nodes; ++i) world_.settings.configured.push_back(NodeId{i});
  if (kind == Kind::TwoAvailable) {
    world_.settings.silence_says_dead = kSilence;
    world_.checker.two_may_own();
  }
  world_.settings.lease = 128;
  world_.settings.heartbeat = milliseconds{20};
  world_.ring = std::make_unique<FakeRing>(
      world_.schedule, world_.random, world_.settings.configured,
      FakeRing::Callbacks{
          .view = [this](NodeId node, const std::vector<NodeId>& view) { machine(node).on_view(view); },
          .delivered =
              [this](NodeId to, NodeId from, std::shared_ptr<const hasyncd::RingMessage> message) {
                machine(to).on_ring(from, std::move(message));
              },
          .lost = [this](NodeId node) { machine(node).on_ring_lost(); },
          .quorate = [this](NodeId node, bool quorate) { machine(node).on_quorate(quorate); }});
  world_.heartbeat = [this](NodeId from, const hasyncd::Heartbeat& heartbeat) { carry(from, heartbeat); };
  for (const NodeId node : world_.settings.configured) {
    machines_.push_back(std::make_unique<Machine>(world_, node, node.value <= gateways));
  }
  if (!world_.random.percent(25)) return;
  for (const NodeId node : world_.settings.configured) {  // corosync hands over late, until all is healed
    if (world_.random.percent(60)) world_.ring->slow(node, world_.some(milliseconds{3}, milliseconds{80}));
  }
}

Machine& Cluster::machine(NodeId id) {
  return *machines_[id.value - 1];
}

void Cluster::carry(NodeId from, const hasyncd::Heartbeat& heartbeat) {
  const auto shared = std::make_shared<const hasyncd::Heartbeat>(heartbeat);
  for (const auto& to : machines_) {
    if (to->id() == from || deaf_.contains({from, to->id()}) || stays_cut_.contains({from, to->id()}) ||
        world_.random.percent(loss_))
      continue;
    world_.schedule.after(world_.some(microseconds{50}, milliseconds{1} + slow_),
                          [to = to.get(), shared] { to->on_heartbeat(shared); });
  }
}

void Cluster::traffic() {
  world_.checker.note_time(world_.schedule.now());
  for (const auto& machine : machines_) machine->traffic(25);
  for (const auto& machine : machines_) machine->arrivals(25);
  std::vector<NodeId> open;
  for (const auto& machine : machines_) {
    if (machine->fence_open() && !machine->excused()) open.push_back(machine->id());
  }
  if (open.size() > 1) world_.checker.open_together(open);
  world_.schedule.after(milliseconds{1}, [this] { traffic(); });
}

void Cluster::ike() {
  if (quiet_) return;
  for (const auto& machine : machines_) machine->ike_event();
  for (const auto& machine : machines_) {
    if (world_.random.percent(10)) machine->attack();
  }
  world_.schedule.after(world_.some(milliseconds{10}, milliseconds{80}), [this] { ike(); });
}

bool Cluster::run_until(Instant end) {
  while (!world_.checker.failure() && world_.schedule.step(end)) {
  }
  return !world_.checker.failure();
}

Verdict Cluster::run() {
  for (const auto& machine : machines_) {
    world_.schedule.after(world_.some(milliseconds{0}, milliseconds{100}),
                          [m = machine.get()] { m->power_on(); });
  }
  traffic();
  ike();
  world_.schedule.after(kStart, [this] { fault(); });
  Verdict verdict{.seed = seed_};
  if (run_until(kStart + kChaos)) {
    heal();
    const Instant healed = world_.schedule.now();
    std::string why = "not healed";
    while (!world_.checker.failure() && !why.empty() && world_.schedule.now() < healed + kSettle) {
      if (run_until(world_.schedule.now() + milliseconds{50})) why = unsettled();
    }
    verdict.settled = world_.schedule.now() - healed;
    const bool whole = stays_cut_.empty();
    const Instant end = world_.schedule.now() + (whole ? kProof : kLongProof);
    const Instant since = end - (whole ? kProof : kRecent);
    if (why.empty() && run_until(end)) {
      for (const auto& machine : machines_) {
        if (why.empty() && machine->holds_address()) why = silent_keys(*machine, since);
      }
    }
    if (!why.empty()) world_.checker.fail("liveness: " + why);
  }
  verdict.failure = world_.checker.failure();
  if (verdict.failure) tell_state();
  verdict.at = world_.schedule.now();
  verdict.packets = world_.checker.packets();
  verdict.takeovers = world_.reigns;
  return verdict;
}

void Cluster::tell_state() const {
  for (const auto& machine : machines_) {
    const hasyncd::Node* node = machine->node();
    if (node == nullptr) continue;
    const hasyncd::StateMark mark = node->replica().mark();
    std::string text = to_string(node->role()) + ", state " + std::to_string(mark.epoch.value) + ":" +
                       std::to_string(mark.index) + (node->replica().current() ? " current" : " old") +
                       (node->agreement().confirmed() ? " confirmed" : "") +
                       (node->agreement().frozen() ? " frozen" : "") + (node->quorate() ? " quorate" : "") +
                       ", stable " + std::to_string(node->stability().stable()) + ", agreed";
    for (const auto& other : machines_) text += " " + std::to_string(node->stability().agreed(other->id()));
    world_.tell(machine->id(), text);
  }
}

std::string Cluster::unsettled() const {
  if (!world_.ring->at_rest()) return "the ring is not at rest";
  const Machine* owner = nullptr;
  const Machine* first = nullptr;
  for (const auto& machine : machines_) {
    if (machine->id() == apart_) continue;
    if (first == nullptr) first = machine.get();
    if (machine->node() == nullptr) return "node " + std::to_string(machine->id().value) + " has no hasyncd";
    if (first->node() == nullptr) return "no hasyncd";
    const std::string why = unsettled_node(*machine, *first->node());
    if (!why.empty()) return "node " + std::to_string(machine->id().value) + " " + why;
    if (machine->node()->role() != hasyncd::Role::Owner) continue;
    if (owner != nullptr) return "two owners";
    owner = machine.get();
  }
  if (owner == nullptr) return "no owner";
  return unsettled_contexts(*owner);
}

std::string Cluster::unsettled_node(const Machine& machine, const hasyncd::Node& first) const {
  const hasyncd::Node& node = *machine.node();
  if (node.role() != hasyncd::Role::Owner && node.role() != hasyncd::Role::Standby) {
    return "is " + to_string(node.role());
  }
  if (!node.agreement().current()) return "is in no epoch";
  if (machine.charon_is_behind()) return "waits for its charon";
  const auto& install = *node.agreement().current();
  if (install.members.size() != machines_.size() - (apart_ == kNobody ? 0 : 1)) return "misses members";
  if (install != first.agreement().current()) return "is in another epoch";
  if (!node.replica().current()) return "has no whole state";
  if (!node.agreement().confirmed()) return "has not confirmed";
  if (node.replica().mark().digest != first.replica().mark().digest) return "has another digest";
  if (node.stability().stable() != node.replica().mark().index) return "sees unstable entries";
  if (machine.gateway() && !node.ready(machine.id())) return "is not ready";
  return {};
}

// Every gateway's charon holds exactly what the log holds, and only the owner's answers.
std::string Cluster::unsettled_contexts(const Machine& owner) const {
  const auto& contexts = owner.node()->replica().contexts();
  for (const auto& machine : machines_) {
    if (!machine->gateway() || machine->id() == apart_) continue;
    const std::string who = "node " + std::to_string(machine->id().value) + "'s charon ";
    if (machine->node()->replica().contexts() != contexts) return who + "belongs to another replica";
    for (const auto& [sa, delta] : contexts) {
      const auto held = machine->held().find(sa);
      if (held == machine->held().end()) return who + "lacks " + to_string(sa);
      IkeSa known = unseal(delta.sealed);
      IkeSa here = held->second.sa;
      for (IkeSa* one : {&known, &here}) {
        std::erase_if(one->children, [&, ike = sa](const Child& child) {  // handed on to its successor
          const hasyncd::Replica& replica = owner.node()->replica();
          if (world_.checker.taken_from(ike, child.key_id)) return true;
          if (child.vpe) return replica.vpe().holder(child.spi) != ike;
          const auto lease = replica.leases().find({one->peer, child.spi});
          return lease == replica.leases().end() || lease->second.sa != ike;
        });
      }
      if (here != known) return who + "has another " + to_string(sa);
      if (held->second.active != (machine.get() == &owner))
        return who + "is wrong about who answers for " + to_string(sa);
    }
    if (machine->held().size() != contexts.size()) return who + "holds what the log does not";
  }
  return {};
}

// VPE: every gateway has a share of the newest key.
std::string Cluster::silent_vpeds(const IkeSa& sa) const {
  if (sa.children.empty() || !sa.children.back().vpe) return {};
  const std::uint32_t key = sa.children.back().key_id;
  for (const auto& machine : machines_) {
    if (!machine->gateway() || machine->id() == apart_ || machine->sends_vpe(key)) continue;
    return "node " + std::to_string(machine->id().value) + " has no share of key " + std::to_string(key);
  }
  return {};
}

// Each key of the log must be usable: its packets leave.
std::string Cluster::silent_keys(const Machine& owner, Instant since) const {
  for (const auto& [sa, held] : owner.held()) {
    if (const std::string why = silent_vpeds(held.sa); !why.empty()) return why;
    for (const Child& child : held.sa.children) {
      if (!child.vpe && world_.checker.last_left(child.key_id) < since) {
        return "no packet of key " + std::to_string(child.key_id) + " leaves node " +
               std::to_string(owner.id().value);
      }
    }
  }
  return {};
}

}  // namespace hasync::sim
