// Gate and numbers of a Node: see node.h.
#include <algorithm>

#include "hasyncd/node/node.h"

namespace hasync::hasyncd {

// What the state's change means here. The owner's own gate opens for what is stable; everybody else stands
// behind the lease.
void Node::take_effect(const Changes& changes, Actions& out) {
  if (!settings_.gateway) return;
  vpe_.changed(changes.shared, replica_.mark().index);
  if (!changes.unleased.empty()) {
    for (const OutboundKey& key : changes.unleased) gate_.erase(key);
    out.push_back(ForgetGate{changes.unleased});
  }
  ended(changes);
  if (!mine()) {
    stand_by(changes.leased, out);
  } else if (changes.owner_changed) {
    grant_now(changes.leased, out);
  } else {
    grant_when_stable(changes.leased, out);
  }
  for (const SaId sa : changes.upserted) {
    if (!mine()) put(sa, out);
  }
  std::vector<SaId> gone;
  for (const SaId sa : changes.gone) {
    refused_.erase(sa);
    if (charon_.erase(sa) != 0) gone.push_back(sa);
  }
  release(std::move(gone), out);
}

// Counter and gate of each SA where its lease puts them; what stands there already is left alone.
void Node::place(const std::vector<OutboundKey>& keys, Range (Node::*range_of)(const LeaseState&) const,
                 Actions& out) {
  SetNumbers numbers;
  SetGate gate;
  for (const OutboundKey& key : keys) {
    const auto lease = replica_.leases().find(key);
    if (lease == replica_.leases().end()) continue;
    const auto [floor, ceiling] = (this->*range_of)(lease->second);
    const GateLimits limits{key, floor, ceiling};
    if (std::exchange(gate_[key], limits) == limits) continue;
    gate.limits.push_back(limits);
    numbers.numbers.push_back({key, floor - 1, lease->second.esn});
  }
  if (gate.limits.empty()) return;
  out.push_back(std::move(numbers));
  out.push_back(std::move(gate));
}

// Not the owner: the kernel's counter stands at the end of the lease, the gate where this node would go on
// (the fence is closed). So becoming the owner needs no work for each SA.
void Node::stand_by(const std::vector<OutboundKey>& keys, Actions& out) {
  place(keys, &Node::behind_the_lease, out);
}

Node::Range Node::behind_the_lease(const LeaseState& lease) const {
  return {lease.end, capped(lease.end + replica_.lease_size(), lease.esn)};
}

// The change of owner is itself the grant. Packets pass only when the fence opens, and that needs a majority
// in this epoch.
void Node::grant_now(const std::vector<OutboundKey>& keys, Actions& out) {
  place(keys, &Node::within_the_lease, out);
}

// What charon is just installing may begin anywhere: closed until it has been.
Node::Range Node::within_the_lease(const LeaseState& lease) const {
  return {lease.floor, being_put(lease) ? lease.floor : lease.end};
}

bool Node::waits_for_grant(const OutboundKey& key, std::uint64_t stable) const {
  return std::ranges::any_of(
      unstable_, [&](const auto& grants) { return grants.first > stable && grants.second.contains(key); });
}

void Node::grant_when_stable(const std::vector<OutboundKey>& keys, Actions& out) {
  if (keys.empty()) return;
  unstable_[replica_.mark().index].insert(keys.begin(), keys.end());
  stable_grants(out);
}

void Node::stable_grants(Actions& out) {
  SetGate gate;
  SetNumbers numbers;
  const std::uint64_t stable = stability_.stable();
  while (mine() && !unstable_.empty() && unstable_.begin()->first <= stable) {
    for (const OutboundKey& key : unstable_.begin()->second) {
      const auto lease = replica_.leases().find(key);
      if (lease == replica_.leases().end()) continue;
      const auto set = gate_.find(key);
      if (being_put(lease->second)) continue;
      GateLimits limits{key, lease->second.floor, lease->second.end};
      if (set != gate_.end()) limits.floor = std::max(limits.floor, set->second.floor);
      // A later grant of the same SA may wait behind this one: only its own position opens it.
      if (waits_for_grant(key, stable)) {
        limits.ceiling = set == gate_.end() ? limits.floor + replica_.lease_size() : set->second.ceiling;
      }
      // An SA under a new address goes on behind its old lease (RFC 4555), one that was closed behind its
      // own, one that was raised where its lease now begins: the kernel's counter follows before the gate
      // opens.
      const Delta& context = replica_.contexts().at(lease->second.sa);
      const auto sa = std::ranges::find(context.outbound, key, &OutboundSa::key);
      const bool closed = set != gate_.end() && set->second.ceiling <= set->second.floor;
      const bool raised = set != gate_.end() && limits.floor > set->second.floor;
      const bool jumps = closed || raised ||
                         (set == gate_.end() && sa != context.outbound.end() && sa->used + 1 < limits.floor);
      if (jumps) numbers.numbers.push_back({key, limits.floor - 1, lease->second.esn});
      gate_.insert_or_assign(key, limits);
      gate.limits.push_back(limits);
    }
    unstable_.erase(unstable_.begin());
  }
  if (!numbers.numbers.empty()) out.push_back(std::move(numbers));
  if (!gate.limits.empty()) out.push_back(std::move(gate));
}

std::vector<OutboundNumber> Node::numbers_of(const Delta& delta) const {
  std::vector<OutboundNumber> out;
  for (const OutboundSa& sa : delta.outbound) {
    const auto lease = replica_.leases().find(sa.key);
    if (lease == replica_.leases().end() || handed_on(delta.sa, sa)) continue;
    const auto gate = gate_.find(sa.key);
    const std::uint64_t next = mine() && gate != gate_.end() ? gate->second.floor : lease->second.end;
    out.push_back({sa.key, next - 1, sa.esn});
  }
  return out;
}

// An owner's charon installs this context anew: its numbers begin behind all that may have left, and none may
// leave before it is done. A gate that is closed already has let nothing out from its floor on.
void Node::close_for(const Delta& delta, Actions& out) {
  SetGate gate;
  for (const OutboundSa& sa : delta.outbound) {
    const auto lease = replica_.leases().find(sa.key);
    if (lease == replica_.leases().end() || handed_on(delta.sa, sa)) continue;
    GateLimits& limits =
        gate_.try_emplace(sa.key, GateLimits{sa.key, lease->second.floor, lease->second.floor}).first->second;
    if (limits.ceiling > limits.floor) limits.floor = limits.ceiling = lease->second.end;
    limits.floor = limits.ceiling = std::max(limits.floor, lease->second.floor);
    gate.limits.push_back(limits);
    const std::uint64_t end = lease->second.end;
    if (limits.floor >= end && !proposals_.grant_pending(sa.key)) {
      proposals_.grant({sa.key, end + replica_.lease_size()});
    }
  }
  if (!gate.limits.empty()) out.push_back(std::move(gate));
}

// charon is done with it.
void Node::reopen(const Delta& delta, Actions& out) {
  SetGate gate;
  SetNumbers numbers;
  const std::uint64_t stable = stability_.stable();
  for (const OutboundSa& sa : delta.outbound) {
    const auto lease = replica_.leases().find(sa.key);
    const auto set = gate_.find(sa.key);
    if (lease == replica_.leases().end() || set == gate_.end() || set->second.ceiling > set->second.floor) {
      continue;
    }
    if (being_put(lease->second) || (handed_on(delta.sa, sa) && !charon_.contains(lease->second.sa)))
      continue;
    GateLimits& limits = set->second;
    limits.floor = std::max(limits.floor, lease->second.floor);
    numbers.numbers.push_back({sa.key, limits.floor - 1, sa.esn});
    if (waits_for_grant(sa.key, stable) || lease->second.end <= limits.floor) continue;
    limits.ceiling = lease->second.end;
    gate.limits.push_back(limits);
  }
  if (!numbers.numbers.empty()) out.push_back(std::move(numbers));
  if (!gate.limits.empty()) out.push_back(std::move(gate));
}

}  // namespace hasync::hasyncd
