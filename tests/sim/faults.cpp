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
  world_.random.percent(55) ? strike_process(m) : strike_machine(m);
}

// One process ends, stands still, or is slow.
void Cluster::strike_process(Machine& m) {
  const auto later = [this](Duration low, Duration high, auto what) {
    world_.schedule.after(world_.some(low, high), what);
  };
  switch (world_.random.below(8)) {
    case 0:
      m.kill_hasyncd();
      later(milliseconds{5}, milliseconds{400}, [&m] { m.start_hasyncd(); });
      break;
    case 1:
      m.pause_hasyncd();
      later(milliseconds{10}, milliseconds{150}, [&m] { m.resume_hasyncd(); });
      break;
    case 2:
      m.pause_hasyncd();
      later(milliseconds{100}, milliseconds{1200}, [&m] { m.resume_hasyncd(); });
      break;
    case 3:
      world_.tell(m.id(), "corosync is gone");
      world_.ring->stop(m.id());
      later(milliseconds{20}, milliseconds{800}, [this, &m] {
        if (m.powered()) world_.ring->start(m.id());
      });
      break;
    case 4:
      m.kill_charon();
      later(milliseconds{20}, milliseconds{600}, [&m] { m.start_charon(); });
      break;
    case 5:
      world_.tell(m.id(), "charon is slow");
      m.slow_charon(world_.some(milliseconds{10}, milliseconds{80}));
      later(milliseconds{50}, milliseconds{600}, [&m] { m.slow_charon(milliseconds{3}); });
      break;
    case 6:
      starve(m, static_cast<int>(5 + world_.random.below(20)));
      break;
    default:
      m.stop_hasyncd();
  }
}

void Cluster::strike_machine(Machine& m) {
  const auto later = [this](Duration low, Duration high, auto what) {
    world_.schedule.after(world_.some(low, high), what);
  };
  switch (world_.random.below(9)) {
    case 8:
      restart_vped(m);
      break;
    case 0:
      stand_still(m);
      break;
    case 1:
      world_.tell(m.id(), "the ring's messages come late");
      world_.ring->slow(m.id(), world_.some(milliseconds{3}, milliseconds{80}));
      later(milliseconds{100}, milliseconds{900}, [this, &m] { world_.ring->slow(m.id(), milliseconds{1}); });
      break;
    case 2:
      world_.tell(m.id(), "messages of the ring make no sense here");
      m.garble(static_cast<double>(1 + world_.random.below(50)));
      later(milliseconds{10}, milliseconds{300}, [&m] { m.garble(0); });
      break;
    case 3:
      m.step_clock(world_.some(milliseconds{1}, seconds{2}));
      break;
    case 4:
      power_off(m);
      break;
    case 5:
    case 6:
      for (const auto& from : machines_) from->move(m.id());
      break;
    default:
      m.set_links(false);
      later(milliseconds{20}, milliseconds{600}, [&m] { m.set_links(true); });
  }
}

// Perhaps to no purpose: the others are late to have the log's entry, and it goes with the node, or with its
// part in the ring.
void Cluster::restart_vped(Machine& m) {
  world_.tell(m.id(), "vped starts anew");
  m.start_vped();
  if (world_.random.percent(50)) return;
  for (const NodeId other : world_.settings.configured) {
    if (other != m.id()) world_.ring->slow(other, milliseconds{80});
  }
  world_.schedule.after(world_.some(milliseconds{1}, milliseconds{30}), [this, &m] {
    if (world_.random.percent(50)) {
      power_off(m);
    } else {
      cut_off(m.id(), true, true, world_.some(milliseconds{100}, milliseconds{900}));
      world_.schedule.after(world_.some(milliseconds{10}, milliseconds{400}), [&m] { m.start_vped(); });
    }
  });
  world_.schedule.after(milliseconds{100}, [this] {
    for (const NodeId node : world_.settings.configured) world_.ring->slow(node, milliseconds{1});
  });
}

// Of two nodes, the one that is on is told that the other is off, sometimes.
void Cluster::power_off(Machine& off) {
  off.power_off();
  if (world_.of_two() && world_.random.percent(60)) {
    world_.schedule.after(world_.some(milliseconds{5}, milliseconds{600}), [this, &off] {
      for (const auto& m : machines_) {
        if (m->id() != off.id() && !off.powered()) m->take_alone();
      }
    });
  }
  world_.schedule.after(world_.some(milliseconds{20}, milliseconds{1500}), [&off] { off.power_on(); });
}

// A virtual machine that is paused: all of it stops, corosync included. Its clock may know of it or not.
void Cluster::stand_still(Machine& m) {
  const Duration time = world_.some(milliseconds{5}, milliseconds{1500});
  const Duration lost = world_.random.percent(50) ? time : world_.some(milliseconds{0}, time);
  m.freeze();
  const bool missed = time > milliseconds{80};
  for (const NodeId other : world_.settings.configured) {
    if (missed && other != m.id()) world_.ring->cut(m.id(), other, true);
  }
  world_.schedule.after(time, [this, &m, lost = world_.random.percent(30) ? Duration{} : lost] {
    for (const NodeId other : world_.settings.configured) {
      if (other != m.id()) world_.ring->cut(m.id(), other, false);
    }
    m.thaw(lost);
  });
}

// hasyncd gets the processor for a moment only, again and again.
void Cluster::starve(Machine& m, int times) {
  if (times == 0 || quiet_) return;
  m.pause_hasyncd();
  world_.schedule.after(world_.some(milliseconds{2}, milliseconds{40}), [this, &m, times] {
    m.resume_hasyncd();
    world_.schedule.after(milliseconds{1}, [this, &m, times] { starve(m, times - 1); });
  });
}

void Cluster::cut_heartbeats(NodeId from, NodeId to, Duration time) {
  world_.tell(to, "does not hear node " + std::to_string(from.value));
  deaf_.insert({from, to});
  world_.schedule.after(time, [this, from, to] { deaf_.erase({from, to}); });
}

std::pair<NodeId, NodeId> Cluster::two_nodes() {
  const NodeId one = world_.random.pick(world_.settings.configured);
  NodeId two = one;
  while (two == one) two = world_.random.pick(world_.settings.configured);
  return {one, two};
}

void Cluster::cut_off(NodeId one, bool ring, bool heartbeats, Duration time) {
  world_.tell(one, "cut off:" + std::string(ring ? " ring" : "") + (heartbeats ? " heartbeats" : ""));
  for (const NodeId other : world_.settings.configured) {
    if (other == one) continue;
    if (ring) world_.ring->cut(one, other, true);
    if (heartbeats) deaf_.insert({{one, other}, {other, one}});
  }
  world_.schedule.after(time, [this, one] {
    world_.tell(one, "no longer cut off");
    for (const NodeId other : world_.settings.configured) {
      if (other != one) world_.ring->cut(one, other, false);
      deaf_.erase({one, other});
      deaf_.erase({other, one});
    }
  });
}

// A gateway misses what happens, all or some of it; then the others' memory goes, and it is to come back with
// the last node alone.
void Cluster::leave_behind(NodeId one) {
  NodeId owner = one;
  for (const auto& m : machines_) {
    if (m->holds_address()) owner = m->id();
  }
  if (owner == one) return;
  const Duration time = world_.some(milliseconds{400}, milliseconds{900});
  if (world_.random.percent(50)) {
    cut_off(one, true, true, time);
  } else {
    world_.tell(one, "some messages of the ring make no sense here");
    machine(one).garble(static_cast<double>(5 + world_.random.below(50)));
  }
  world_.schedule.after(time - milliseconds{30}, [this, one, owner] {
    machine(one).garble(0);
    if (quiet_) return;
    cut_off(owner, true, true, milliseconds{900});
    for (const auto& m : machines_) {
      if (m->id() == one || m->id() == owner) continue;
      m->kill_hasyncd();
      world_.schedule.after(milliseconds{5}, [m = m.get()] { m->start_hasyncd(); });
    }
  });
}

// The owner is left out of the ring, but its hasyncd hears of it late, and one of the others is late to
// install what they agree on. Heartbeats go on.
void Cluster::cut_off_unawares(NodeId late) {
  NodeId owner = world_.random.pick(world_.settings.configured);
  for (const auto& m : machines_) {
    if (m->holds_address()) owner = m->id();
  }
  world_.tell(owner, "cut off the ring, unawares; node " + std::to_string(late.value) + " is late");
  world_.ring->slow(owner, seconds{1});
  if (late != owner) world_.ring->slow(late, milliseconds{150});
  for (const NodeId other : world_.settings.configured) {
    if (other != owner) world_.ring->cut(owner, other, true);
  }
  world_.schedule.after(world_.some(milliseconds{300}, milliseconds{900}), [this, owner, late] {
    for (const NodeId other : world_.settings.configured) {
      if (other != owner) world_.ring->cut(owner, other, false);
    }
    world_.ring->slow(owner, milliseconds{1});
    world_.ring->slow(late, milliseconds{1});
  });
}

void Cluster::strike_network() {
  const auto [one, two] = two_nodes();
  switch (world_.random.below(9)) {
    case 7:
      cut_off_unawares(one);
      break;
    case 0: {
      const bool ring = world_.random.percent(80);
      const Duration time = world_.some(milliseconds{20}, milliseconds{900});
      const bool heartbeats = !ring || world_.random.percent(50);
      cut_off(one, ring, heartbeats, time);
      break;
    }
    case 8:
      leave_behind(one);
      break;
    case 1:  // one way only
      cut_heartbeats(one, two, world_.some(milliseconds{50}, milliseconds{700}));
      break;
    case 5: {  // both ways
      const Duration time = world_.some(milliseconds{50}, milliseconds{900});
      cut_heartbeats(one, two, time);
      cut_heartbeats(two, one, time);
      break;
    }
    case 6: {  // one hears nobody, or nobody hears it
      const bool deaf = world_.random.percent(50);
      const Duration time = world_.some(milliseconds{50}, milliseconds{900});
      for (const NodeId other : world_.settings.configured) {
        if (other != one) cut_heartbeats(deaf ? other : one, deaf ? one : other, time);
      }
      break;
    }
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
  world_.refused = 0;
  for (const NodeId a : world_.settings.configured) {
    for (const NodeId b : world_.settings.configured) {
      if (a < b) world_.ring->cut(a, b, false);
    }
  }
  for (const auto& m : machines_) {
    m->thaw({});
    m->slow_charon(milliseconds{3});
    m->garble(0);
    world_.ring->slow(m->id(), milliseconds{1});
    m->power_on();
    world_.ring->start(m->id());
    m->resume_hasyncd();
    m->start_hasyncd();
    m->start_charon();
    m->set_links(true);
  }
  if (machines_.size() > 2 && world_.random.percent(40)) leave_cut();
}

// Between two nodes both ways, one way, or a node that hears nobody, or that nobody hears.
void Cluster::leave_cut() {
  const auto [one, two] = two_nodes();
  const auto kind = world_.random.below(4);
  stays_cut_.insert({one, two});
  if (kind == 0) stays_cut_.insert({two, one});
  if (kind >= 2) apart_ = one;
  for (const NodeId other : world_.settings.configured) {
    if (other == one || kind < 2) continue;
    stays_cut_.insert(kind == 2 ? std::pair{other, one} : std::pair{one, other});
  }
  for (const auto& [from, to] : stays_cut_) {
    world_.tell(to, "does not hear node " + std::to_string(from.value) + ", and that stays");
  }
}

}  // namespace hasync::sim
