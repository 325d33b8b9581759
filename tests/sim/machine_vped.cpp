// The vped of a simulated machine, and what charon's plugin tells it: see machine.h.
#include <algorithm>

#include "tests/sim/machine.h"

namespace hasync::sim {

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
  to_hasyncd(
      [session = vped_.session](hasyncd::Node& node, Instant now) { return node.on_vpe(session, now); });
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

bool Machine::sends_vpe(std::uint32_t key_id) const {
  return vped_.sends.contains(key_id);
}

}  // namespace hasync::sim
