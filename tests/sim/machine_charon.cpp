// charon on a simulated machine, and what passes between it and hasyncd: see machine.h.
#include <algorithm>

#include "tests/sim/machine.h"

namespace hasync::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// As the plugin gets it.
IkeSa given(const hasyncd::PutContext& context) {
  IkeSa out = unseal(context.sealed);
  std::erase_if(out.children, [&](const Child& child) {
    return std::ranges::find(context.handed_on, child.spi) != context.handed_on.end();
  });
  return out;
}

}  // namespace

void Machine::start_charon() {
  if (charon_up_ || !powered_ || !gateway_) return;
  world_.tell(id_, "charon starts");
  charon_up_ = true;
  held_.clear();
  marked_.clear();
  kernel_.flush();
  connect_charon();
  connect_vped();          // it goes on with what it has, and asks again
  vped_.received.clear();  // but drops what this charon does not have
}

// The kernel's SAs stay, and go on, until charon is back.
void Machine::kill_charon() {
  if (!std::exchange(charon_up_, false)) return;
  world_.tell(id_, "charon is gone");
  ++session_;
  held_.clear();
  post(From::Charon, [](hasyncd::Node& node, Instant now) { return node.on_charon_lost(now); });
}

// A connection begins with a report of every IKE_SA.
void Machine::connect_charon() {
  if (!charon_up_ || !process_) return;
  const std::uint64_t session = ++session_;
  connected_ = false;
  next_command_ = next_report_ = {};
  reports_.clear();
  last_report_ = 0;
  later(world_.some(milliseconds{1}, milliseconds{60}), [this, session] {
    if (session != session_) return;
    connected_ = true;
    to_hasyncd([this, session](hasyncd::Node&, Instant) {
      process_->session = session;
      return hasyncd::Actions{};
    });
    for (const auto& [sa, held] : held_) report(held);
    tell_vped();
    to_hasyncd([](hasyncd::Node& node, Instant now) { return node.on_charon_synced(now); });
  });
}

void Machine::to_charon(std::function<void()> command) {
  next_command_ =
      std::max(next_command_, world_.schedule.now()) + world_.some(microseconds{100}, charon_takes_);
  later_at(next_command_, [this, session = process_->session, command = std::move(command)] {
    if (session == session_ && charon_up_) command();
  });
}

void Machine::to_hasyncd(Call report) {
  next_report_ =
      std::max(next_report_, world_.schedule.now() + world_.some(microseconds{50}, milliseconds{1}));
  later_at(next_report_, [this, session = session_, report = std::move(report)] {
    if (session == session_) post(From::Charon, report);
  });
}

// A job reports it a little later, as it then is.
void Machine::changed(const Held& held) {
  marked_[held.sa.id] = 0;
  later(world_.some(microseconds{0}, milliseconds{3}), [this, id = held.sa.id, session = session_] {
    const auto now = held_.find(id);
    if (session == session_ && now != held_.end()) report(now->second);
  });
}

// What happens before that is in the reports with which it begins.
void Machine::report(const Held& held) {
  if (!connected_) return;
  hasyncd::ContextReport out{held.sa.id, held.sa.peer, {}, seal(held.sa), held.active};
  out.number = note_report(held.sa, false);
  out.replaces = held.replaces;
  for (const Child& child : held.sa.children) {
    const OutboundKey key{held.sa.peer, child.spi};
    const auto sa = kernel_.sas().find(key);
    out.outbound.push_back(
        {key, false, sa == kernel_.sas().end() ? 0 : sa->second.used, child.spi, child.vpe});
  }
  to_hasyncd([out = std::move(out)](hasyncd::Node& node, Instant now) { return node.on_charon(out, now); });
}

void Machine::report_gone(const IkeSa& sa) {
  world_.checker.ended(sa.id);
  if (!connected_) return;
  to_hasyncd([id = sa.id, number = note_report(sa, true)](hasyncd::Node& node, Instant now) {
    return node.on_charon_gone(id, number, now);
  });
}

// Output commit: what charon says of a change waits in the plugin.
std::uint64_t Machine::note_report(const IkeSa& sa, bool ended) {
  reports_[++last_report_] = {sa.id, sa.change, ended, sa.messages};
  if (const auto mark = marked_.find(sa.id); mark != marked_.end()) mark->second = last_report_;
  if (world_.sabotage) world_.sabotage->reported(*this, last_report_);
  return last_report_;
}

void Machine::commit(std::uint64_t report, Epoch lineage) {
  const auto end = reports_.upper_bound(report);
  for (auto it = reports_.begin(); it != end; it = reports_.erase(it)) {
    const auto& [sa, change, ended, messages] = it->second;
    if (!fence_open()) continue;  // it is dropped, and said again later
    ended ? world_.checker.told_ended(lineage, sa) : world_.checker.told(lineage, sa, change);
    say(sa, messages);
  }
  std::erase_if(marked_, [&](const auto& mark) { return mark.second != 0 && mark.second <= report; });
}

void Machine::discard_output(SaId sa) {
  std::erase_if(reports_, [sa](const auto& report) { return report.second.sa == sa; });
}

void Machine::discard_output(std::uint64_t first, std::uint64_t last) {
  reports_.erase(reports_.lower_bound(first), reports_.upper_bound(last));
}

// A CHILD_SA of VPE's is in the kernel as well, and sends nothing.
void Machine::add(const OutboundKey& key, const Child& child, std::uint64_t used) {
  if (!child.vpe) kernel_.add(key, child.key_id, used);
}

void Machine::remove_from_kernel(const IkeSa& sa) {
  for (const Child& child : sa.children) {
    kernel_.remove({sa.peer, child.spi});
    kernel_.remove_inbound(child.spi);
  }
}

void Machine::forget(const Child& child) {
  if (child.vpe) vped_.gone(child.key_id);
}

Child Machine::new_child() {
  const std::uint32_t key = ++world_.keys;
  return {key, EspSpi{0xc0000000U + key}, world_.random.percent(30)};
}

// Where its inbound windows are to stand, as it is known when charon is asked.
Machine::Tops Machine::windows_of(const hasyncd::PutContext& context) {
  Tops out;
  for (const Child& child : given(context).children) {
    out[child.spi] = process_->node->window({kVip, child.spi}, 0);
  }
  return out;
}

// An IKE_SA that answers is not replaced, nor are CHILD_SAs taken from it.
bool Machine::conflicts(const IkeSa& sa) const {
  return std::ranges::any_of(held_, [&](const auto& one) {
    const auto& [id, held] = one;
    const auto is_wanted = [&](const Child& child) {
      return std::ranges::find(sa.children, child) != sa.children.end();
    };
    return held.active && (id == sa.id || std::ranges::any_of(held.sa.children, is_wanted));
  });
}

void Machine::put(const hasyncd::PutContext& context, const Tops& windows) {
  const IkeSa sa = given(context);
  const auto known = held_.find(sa.id);
  if (world_.put_random.percent(world_.refused) || conflicts(sa)) {
    world_.tell(id_, "refuses IKE_SA " + std::to_string(sa.id.initiator_spi));
    to_hasyncd([id = sa.id](hasyncd::Node& node, Instant now) { return node.on_put(id, false, now); });
    return;
  }
  std::map<std::uint32_t, std::uint64_t> counted;  // what is there is kept as it is, under a new address, too
  for (const auto& [key, sa_here] : kernel_.sas()) counted.emplace(sa_here.key_id, sa_here.used);
  // A CHILD_SA that is there keeps its window, whichever IKE_SA gets it (charon-plugin/import_child.c).
  const auto standing = kernel_.inbound();
  if (known != held_.end()) remove_from_kernel(known->second.sa);
  for (auto& [other, held] : held_) {  // a rekeyed IKE_SA hands its children on
    std::erase_if(held.sa.children, [&, &from = held.sa.peer, &owner = other](const Child& child) {
      const bool taken = owner != sa.id && std::ranges::find(sa.children, child) != sa.children.end();
      if (taken) kernel_.remove({from, child.spi});
      if (taken) kernel_.remove_inbound(child.spi);
      return taken;
    });
  }
  for (const Child& child : sa.children) {
    const OutboundKey key{sa.peer, child.spi};
    const auto number = std::ranges::find(context.numbers, key, &hasyncd::OutboundNumber::key);
    const auto used_here = counted.find(child.key_id);
    const std::uint64_t anew = number == context.numbers.end() ? 0 : number->used;
    const std::uint64_t used = used_here == counted.end() ? anew : used_here->second;
    add(key, child, used);
    const auto there = standing.find(child.spi);
    if (there == standing.end())
      kernel_.add_inbound(child, windows.at(child.spi));
    else
      kernel_.inbound().insert(*there);
    world_.tell(id_, [&] {
      return "put of IKE_SA " + std::to_string(sa.id.initiator_spi) + ", " + to_string(key) + ": key " +
             std::to_string(child.key_id) + (child.vpe ? ", VPE" : " behind " + std::to_string(used));
    });
  }
  if (known != held_.end()) {
    for (const Child& child : known->second.sa.children) {
      if (std::ranges::find(sa.children, child) == sa.children.end()) forget(child);
    }
  }
  world_.checker.holds(sa);  // even if the log goes on before that is known to be stable
  held_.insert_or_assign(sa.id, Held{sa, context.active});
  marked_.erase(sa.id);
  to_hasyncd([this, id = sa.id, windows](hasyncd::Node& node, Instant now) {
    for (const auto& [spi, top] : windows) {  // not on an owner: there packets move them
      if (node.role() != hasyncd::Role::Owner) kernel_.raise(spi, node.window({kVip, spi}, 0), true);
    }
    return node.on_put(id, true, now);
  });
}

void Machine::set_active(const hasyncd::SetActive& set) {
  for (const SaId sa : set.sas) {
    const auto held = held_.find(sa);
    if (held != held_.end()) held->second.active = set.active;
    if (!set.active) discard_output(sa);
    // What was not known to be stable when this node ceased to answer is reported after all.
    if (set.active && held != held_.end() && marked_.contains(sa)) report(held->second);
  }
}

void Machine::release(SaId sa) {
  to_hasyncd([sa](hasyncd::Node& node, Instant now) { return node.on_released({sa}, now); });
  const auto held = held_.find(sa);
  if (held == held_.end()) return;
  world_.tell(id_, "release of IKE_SA " + std::to_string(sa.initiator_spi));
  discard_output(sa);
  remove_from_kernel(held->second.sa);
  for (const Child& child : held->second.sa.children) forget(child);
  held_.erase(held);
}

void Machine::ike_event() {
  if (!charon_up_ || !holds_address_ || !fence_open()) return;
  repeat_messages();
  // The plugin holds an answer back until hasyncd has heard: without hasyncd a peer gets one request in, no
  // more.
  const bool heard = runs();
  if (heard) unanswered_.clear();
  std::vector<SaId> active;
  for (const auto& [sa, held] : held_) {
    if (held.active && !unanswered_.contains(sa)) active.push_back(sa);
  }
  if (active.empty() && !heard) return;
  if (active.size() < 2 || (active.size() < 5 && world_.random.percent(15))) {
    establish();
    return;
  }
  Held& held = held_.at(world_.random.pick(active));
  if (!heard) unanswered_.insert(held.sa.id);
  switch (world_.random.below(9)) {
    case 0:
    case 1:
      rekey_child(held);
      break;
    case 2:
      rekey_ike(held);
      break;
    case 3:
    case 4:
      move_peer(held);
      break;
    case 5:
      drop(held);
      break;
    case 6:  // the peer repeats its request and gets the last answer once more
      if (fence_open() && !marked_.contains(held.sa.id)) {
        world_.checker.told(lineage(), held.sa.id, held.sa.change);
        say(held.sa.id, held.sa.messages);
      }
      break;
    default:  // a message was exchanged
      exchange(held.sa);
      held.sa.change = ++world_.changes;
      changed(held);
  }
}

void Machine::establish() {
  Held held;
  const std::uint64_t number = ++world_.keys;
  held.sa = {{number, number + 1'000'000},
             ++world_.changes,
             {},
             Address::v4(192, 0, 2, static_cast<std::uint8_t>(1 + number % 250)),
             {}};
  held.sa.children.push_back(new_child());
  held.active = true;
  peer_asks(held.sa);
  add({held.sa.peer, held.sa.children.front().spi}, held.sa.children.front(), 0);
  kernel_.add_inbound(held.sa.children.front(), 0);
  world_.tell(id_, "IKE_SA " + std::to_string(number) + " established");
  held_.insert_or_assign(held.sa.id, held);
  changed(held);
}

// RFC 7296, section 2.8: the new SA first, then the old one is deleted.
void Machine::rekey_child(Held& held) {
  const Child child = held.sa.children.emplace_back(new_child());
  add({held.sa.peer, child.spi}, child, 0);
  kernel_.add_inbound(child, 0);
  exchange(held.sa);
  held.sa.change = ++world_.changes;
  world_.tell(id_, "CHILD_SA rekeyed, key " + std::to_string(child.key_id) + (child.vpe ? ", VPE" : ""));
  changed(held);
  later(world_.some(milliseconds{5}, milliseconds{50}), [this, id = held.sa.id, session = session_] {
    const auto it = held_.find(id);
    if (it == held_.end() || !it->second.active || it->second.sa.children.size() < 2 || session != session_)
      return;
    IkeSa& sa = it->second.sa;
    kernel_.remove({sa.peer, sa.children.front().spi});
    remove_late(sa.children.front().spi);
    forget(sa.children.front());
    sa.children.erase(sa.children.begin());
    exchange(sa);
    sa.change = ++world_.changes;
    changed(it->second);
  });
}

// charon leaves the inbound half of what was rekeyed to packets that are late.
void Machine::remove_late(EspSpi spi) {
  later(world_.some(milliseconds{0}, milliseconds{400}), [this, spi] {
    const auto has = [spi](const auto& held) {
      return std::ranges::any_of(held.second.sa.children, [spi](const Child& c) { return c.spi == spi; });
    };
    if (std::ranges::none_of(held_, has)) kernel_.remove_inbound(spi);
  });
}

void Machine::asked_to_rekey(SaId sa) {
  const auto held = held_.find(sa);
  if (held != held_.end() && held->second.active) rekey_child(held->second);
}

// The new IKE_SA inherits the children; the old one ends.
void Machine::rekey_ike(Held& held) {
  exchange(held.sa);
  const IkeSa old = held.sa;
  Held next = held;
  next.sa.messages = {};
  const std::uint64_t number = ++world_.keys;
  next.sa.id = {number, number + 1'000'000};
  next.replaces = old.id;
  next.sa.change = ++world_.changes;
  world_.tell(id_, "IKE_SA rekeyed to " + std::to_string(number));
  held_.erase(old.id);
  held_.insert_or_assign(next.sa.id, next);
  marked_[next.sa.id] = 0;
  report(next);
  report_gone(old);
}

// RFC 4555: the same SPIs at another address, or at another port of the same (a NAT has forgotten the peer).
// charon reads the SA, deletes it and adds it again, and packets go on in between: numbers repeat.
void Machine::move_peer(Held& held) {
  const Address to = world_.random.percent(40)
                         ? held.sa.peer
                         : Address::v4(198, 51, 100, static_cast<std::uint8_t>(1 + world_.random.below(3)));
  std::map<std::uint32_t, std::uint64_t> used;
  for (const Child& child : held.sa.children) {
    const auto sa = kernel_.sas().find({held.sa.peer, child.spi});
    if (sa != kernel_.sas().end()) used[child.key_id] = sa->second.used;
  }
  Duration gap = world_.random.percent(50) ? Duration{} : world_.some(microseconds{10}, milliseconds{5});
  if (world_.sabotage && !world_.sabotage->moves_repeat()) gap = {};
  later(gap, [this, id = held.sa.id, from = held.sa.peer, to, used = std::move(used), session = session_] {
    const auto it = held_.find(id);
    if (it == held_.end() || !it->second.active || session != session_) return;
    IkeSa& sa = it->second.sa;
    if (sa.peer != from) return;  // charon does one after the other
    for (const Child& child : sa.children) {
      const auto read = used.find(child.key_id);
      kernel_.remove({sa.peer, child.spi});
      add({to, child.spi}, child, read == used.end() ? 0 : read->second);
    }
    sa.peer = to;
    exchange(sa);
    sa.change = ++world_.changes;
    world_.tell(id_, "peer of IKE_SA " + std::to_string(id.initiator_spi) + " is now at " + to_string(to));
    changed(it->second);
  });
}

void Machine::drop(Held& held) {
  exchange(held.sa);
  const IkeSa sa = held.sa;
  world_.tell(id_, "IKE_SA " + std::to_string(sa.id.initiator_spi) + " deleted");
  remove_from_kernel(sa);
  for (const Child& child : sa.children) forget(child);
  held_.erase(sa.id);
  report_gone(sa);
}

}  // namespace hasync::sim
