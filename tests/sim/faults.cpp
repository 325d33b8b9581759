// What goes wrong with a simulated cluster, and how it is put right again: see cluster.h.
#include <algorithm>

#include "tests/sim/cluster.h"

namespace hasync::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace

void Cluster::fault() {
  if (quiet_) return;
  world_.schedule.after(world_.some(milliseconds{30}, milliseconds{700}), [this] { fault(); });
  if (world_.random.percent(30)) {
    strike_network();
  } else {
    strike(*machines_[world_.random.below(machines_.size())]);
  }
}

void Cluster::strike(Machine& m) {
  const auto later = [this](Duration low, Duration high, auto what) {
    world_.schedule.after(world_.some(low, high), what);
  };
  switch (world_.random.below(10)) {
    case 0:
      m.power_off();
      later(milliseconds{20}, milliseconds{1500}, [&m] { m.power_on(); });
      break;
    case 1:
      m.kill_hasyncd();
      later(milliseconds{5}, milliseconds{400}, [&m] { m.start_hasyncd(); });
      break;
    case 2:
      m.pause_hasyncd();
      later(milliseconds{10}, milliseconds{150}, [&m] { m.resume_hasyncd(); });
      break;
    case 3:
      m.pause_hasyncd();
      later(milliseconds{100}, milliseconds{1200}, [&m] { m.resume_hasyncd(); });
      break;
    case 4:
      world_.tell(m.id(), "corosync is gone");
      world_.ring->stop(m.id());
      later(milliseconds{20}, milliseconds{800}, [this, &m] {
        if (m.powered()) world_.ring->start(m.id());
      });
      break;
    case 5:
      m.kill_charon();
      later(milliseconds{20}, milliseconds{600}, [&m] { m.start_charon(); });
      break;
    case 6:
    case 7:
      for (const auto& from : machines_) from->move(m.id());
      break;
    case 8:
      m.set_links(false);
      later(milliseconds{20}, milliseconds{600}, [&m] { m.set_links(true); });
      break;
    default:
      m.stop_hasyncd();
  }
}

void Cluster::strike_network() {
  const NodeId one = world_.random.pick(world_.settings.configured);
  NodeId two = one;
  while (two == one) two = world_.random.pick(world_.settings.configured);
  switch (world_.random.below(5)) {
    case 0: {  // one node is cut off: the ring, heartbeats, or both
      const bool ring = world_.random.percent(80);
      const bool heartbeats = !ring || world_.random.percent(70);
      world_.tell(one, "cut off:" + std::string(ring ? " ring" : "") + (heartbeats ? " heartbeats" : ""));
      for (const NodeId other : world_.settings.configured) {
        if (other == one) continue;
        if (ring) world_.ring->cut(one, other, true);
        if (heartbeats) deaf_.insert({{one, other}, {other, one}});
      }
      world_.schedule.after(world_.some(milliseconds{20}, milliseconds{900}), [this, one] {
        world_.tell(one, "no longer cut off");
        for (const NodeId other : world_.settings.configured) {
          if (other != one) world_.ring->cut(one, other, false);
          deaf_.erase({one, other});
          deaf_.erase({other, one});
        }
      });
      break;
    }
    case 1:  // one way only
      world_.tell(two, "does not hear node " + std::to_string(one.value));
      deaf_.insert({one, two});
      world_.schedule.after(world_.some(milliseconds{50}, milliseconds{700}), [this, one, two] {
        deaf_.erase({one, two});
      });
      break;
    case 2:  // everybody for himself on the ring; heartbeats go on
      world_.tell(one, "the ring is in pieces");
      for (const NodeId a : world_.settings.configured) {
        for (const NodeId b : world_.settings.configured) {
          if (a < b) world_.ring->cut(a, b, true);
        }
      }
      world_.schedule.after(world_.some(milliseconds{50}, milliseconds{900}), [this] {
        for (const NodeId a : world_.settings.configured) {
          for (const NodeId b : world_.settings.configured) {
            if (a < b) world_.ring->cut(a, b, false);
          }
        }
      });
      break;
    case 3:
      world_.tell(one, "heartbeats are lost");
      loss_ = static_cast<double>(world_.random.below(60));
      world_.schedule.after(world_.some(milliseconds{50}, milliseconds{500}), [this] { loss_ = 0; });
      break;
    default:
      world_.tell(one, "heartbeats are slow");
      slow_ = world_.some(milliseconds{5}, milliseconds{120});
      world_.schedule.after(world_.some(milliseconds{50}, milliseconds{500}), [this] { slow_ = {}; });
  }
}

void Cluster::heal() {
  world_.tell(hasync::kNobody, "everything is healed");
  quiet_ = true;
  deaf_.clear();
  loss_ = 0;
  slow_ = {};
  for (const NodeId a : world_.settings.configured) {
    for (const NodeId b : world_.settings.configured) {
      if (a < b) world_.ring->cut(a, b, false);
    }
  }
  for (const auto& m : machines_) {
    m->power_on();
    world_.ring->start(m->id());
    m->resume_hasyncd();
    m->start_hasyncd();
    m->start_charon();
    m->set_links(true);
  }
}

}  // namespace hasync::sim
