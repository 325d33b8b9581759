// The vped of a simulated machine, and what charon's plugin tells it: see machine.h.
#include <algorithm>

#include "tests/sim/machine.h"

namespace hasync::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

}  // namespace

// It has nothing but what it is told.
void Machine::start_vped() {
  if (!powered_ || !gateway_) return;
  vped_ = {};
  connect_vped();
}

// Another session: no share that an earlier one was given is given to this one.
void Machine::connect_vped() {
  vped_.used.clear();
  vped_.session = charon_up_ ? ++world_.sessions : 0;
  world_.tell(id_, "vped is session " + std::to_string(vped_.session));
  if (connected_) tell_vped();
}

void Machine::tell_vped() {
  to_hasyncd([this, session = vped_.session](hasyncd::Node& node, Instant now) {
    vped_told_ = session;
    return node.on_vpe(session, now);
  });
}

void Machine::give(const hasyncd::GiveVpe& give) {
  if (give.session != vped_.session) return;
  for (const hasyncd::VpeShare& share : give.shares) {
    const auto held = held_.find(share.sa);
    if (held == held_.end()) continue;
    const auto& children = held->second.sa.children;
    const auto child = std::ranges::find(children, share.spi, &Child::spi);
    if (child == children.end() || !child->vpe) continue;
    switch (vped_.give(child->key_id, share.place)) {
      case FakeVped::Given::Taken:
        world_.tell(id_, "sends under key " + std::to_string(child->key_id) + " as place " +
                             std::to_string(share.place.node) + ", incarnation " +
                             std::to_string(share.place.incarnation));
        world_.checker.sends(id_, child->key_id, share.place);
        break;
      case FakeVped::Given::Kept:
        break;
      case FakeVped::Given::Used:
        return connect_vped();
    }
  }
}

std::vector<Child> Machine::vpe_children() const {
  std::vector<Child> out;
  for (const auto& [sa, held] : held_) {
    for (const Child& child : held.sa.children) {
      if (child.vpe) out.push_back(child);
    }
  }
  return out;
}

void Machine::vpe_arrivals(double percent) {
  for (const Child& child : vpe_children()) {
    if (!world_.vpe_random.percent(percent)) continue;
    World::VpePeer& peer = world_.vpe_peers[child.key_id];
    vpe_arrives(child.spi, {child.key_id, peer.incarnation, ++peer.sent[peer.incarnation]});
  }
}

// What any vped had accepted once, of all windows.
void Machine::vpe_attack() {
  for (const Child& child : vpe_children()) {
    for (const auto& [incarnation, last] : world_.vpe_peers[child.key_id].sent) {
      for (std::uint64_t n = last > Window::kSize ? last - Window::kSize : 1; n <= last; ++n) {
        const VpePacket packet{child.key_id, incarnation, n};
        if (world_.checker.was_accepted(packet)) vpe_arrives(child.spi, packet);
      }
    }
  }
}

// Who does not own by its own account, has lost time and not noticed yet, or has not heard yet that its vped
// is another one, says nothing of what is open.
void Machine::vpe_arrives(EspSpi spi, const VpePacket& packet) {
  if (frozen_ || !holds_address_ || vped_.session == 0 || !vped_.take(packet)) return;
  // For as long as a clock has stood still unnoticed two may own, and no fence holds VPE: not promised
  // (docs/safety.md).
  if (excused() || lost_time_ || beside_) world_.checker.taken_aside(packet);
  const bool owns = process_ && process_->node->role() == hasyncd::Role::Owner && !excused() && !lost_time_ &&
                    vped_told_ == vped_.session;
  const bool open = !owns || process_->node->exposed_vpe() != 0 || leftovers_.contains(spi);
  world_.checker.accepted(id_, packet, open);
}

void Machine::ask_fresh(const hasyncd::AskFresh& ask) {
  for (const hasyncd::AskFresh::Child& child : ask.children) {
    later(world_.vpe_random.between(milliseconds{3}, milliseconds{60}),
          [this, child, reception = ask.reception] { peer_is_asked(child.sa, child.inbound, reception); });
  }
}

// The request arrives if the peer's answer would arrive here; that may be late, and of another owner's time.
void Machine::peer_is_asked(SaId sa, EspSpi inbound, std::uint64_t reception) {
  const auto held = held_.find(sa);
  if (world_.holder != id_ || !fence_open() || held == held_.end() || !held->second.active) return;
  const auto& children = held->second.sa.children;
  const auto child = std::ranges::find(children, inbound, &Child::spi);
  if (child == children.end() || !child->vpe) return;
  World::VpePeer& peer = world_.vpe_peers[child->key_id];
  if (peer.incarnation + 1U >= vpe::kRekeyAt || world_.vpe_random.percent(10)) return;
  ++peer.incarnation;
  const bool repeated = world_.vpe_random.percent(30);  // as it was lost
  later(world_.vpe_random.between(milliseconds{1}, milliseconds{repeated ? 3000 : 30}),
        [this, key = child->key_id, inbound, below = peer.incarnation, reception, session = vped_.session] {
          if (session == vped_.session && session != 0) retire(key, inbound, below, reception);
        });
}

void Machine::retire(std::uint32_t key_id, EspSpi inbound, std::uint8_t below, std::uint64_t reception) {
  const auto children = vpe_children();
  if (std::ranges::find(children, key_id, &Child::key_id) == children.end()) return;
  FakeVped::Received& of = vped_.received[key_id];
  of.oldest = std::max(of.oldest, below);
  later(world_.vpe_random.between(microseconds{50}, milliseconds{5}),
        [this, inbound, reception] { retired(inbound, reception); });
}

void Machine::retired(EspSpi inbound, std::uint64_t reception) {
  if (world_.sabotage) world_.sabotage->answered(*this, inbound);
  post(From::Charon, [inbound, reception](hasyncd::Node& node, Instant now) {
    return node.on_retired(inbound, reception, now);
  });
}

bool Machine::sends_vpe(std::uint32_t key_id) const {
  return vped_.sends.contains(key_id);
}

}  // namespace hasync::sim
