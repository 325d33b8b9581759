// Gate, numbers and charon of a Node: see node.h.
#include <algorithm>

#include "hasyncd/node/node.h"

namespace hasync::hasyncd {

// What the state's change means here. The owner's own gate opens for what is stable; everybody else stands
// behind the lease.
void Node::take_effect(const Changes& changes, Actions& out) {
  if (!settings_.gateway) return;
  if (!changes.unleased.empty()) {
    for (const OutboundKey& key : changes.unleased) gate_.erase(key);
    out.push_back(ForgetGate{changes.unleased});
  }
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
    if (!mine() && charon_.erase(sa) != 0) gone.push_back(sa);
  }
  if (!gone.empty()) out.push_back(ReleaseContexts{std::move(gone)});
}

// Not the owner: the kernel's counter stands at the end of the lease, the gate where this node would go on
// (the fence is closed). So becoming the owner needs no work for each SA.
void Node::stand_by(const std::vector<OutboundKey>& keys, Actions& out) {
  SetNumbers numbers;
  SetGate gate;
  for (const OutboundKey& key : keys) {
    const auto lease = replica_.leases().find(key);
    if (lease == replica_.leases().end()) continue;
    const GateLimits limits{key, lease->second.end, lease->second.end + replica_.lease_size()};
    if (std::exchange(gate_[key], limits) == limits) continue;
    gate.limits.push_back(limits);
    numbers.numbers.push_back({key, limits.floor - 1, lease->second.esn});
  }
  if (gate.limits.empty()) return;
  out.push_back(std::move(numbers));
  out.push_back(std::move(gate));
}

// The change of owner is itself the grant. Packets pass only when the fence opens, and that needs a majority
// in this epoch.
void Node::grant_now(const std::vector<OutboundKey>& keys, Actions& out) {
  SetGate gate;
  SetNumbers numbers;
  for (const OutboundKey& key : keys) {
    const auto lease = replica_.leases().find(key);
    if (lease == replica_.leases().end()) continue;
    const GateLimits limits{key, lease->second.floor, lease->second.end};
    if (std::exchange(gate_[key], limits) == limits) continue;
    gate.limits.push_back(limits);
    numbers.numbers.push_back({key, limits.floor - 1, lease->second.esn});
  }
  if (gate.limits.empty()) return;
  out.push_back(std::move(numbers));
  out.push_back(std::move(gate));
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
      GateLimits limits{key, lease->second.floor, lease->second.end};
      // A later grant of the same SA may wait behind this one: only its own position opens it.
      for (const auto& [index, later] : unstable_) {
        if (index > stable && later.contains(key))
          limits.ceiling = set == gate_.end() ? limits.ceiling : set->second.ceiling;
      }
      // An SA under a new address goes on behind its old lease (RFC 4555): the kernel's counter follows
      // before the gate opens.
      const auto& context = replica_.contexts().find(lease->second.sa)->second;
      const auto sa = std::ranges::find(context.outbound, key, &OutboundSa::key);
      const bool jumps = set == gate_.end() && sa != context.outbound.end() && sa->used + 1 < limits.floor;
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
    if (lease == replica_.leases().end()) continue;
    const std::uint64_t next = mine() ? lease->second.floor : lease->second.end;
    out.push_back({sa.key, next - 1, sa.esn});
  }
  return out;
}

void Node::put(SaId sa, Actions& out) {
  const auto context = replica_.contexts().find(sa);
  if (!charon_synced_ || context == replica_.contexts().end()) return;
  const auto [under_way, first] = putting_.try_emplace(sa, false);
  if (!first) {
    under_way->second = true;
    return;
  }
  out.push_back(PutContext{sa, context->second.sealed, mine(), numbers_of(context->second)});
}

Actions Node::on_put(SaId sa, bool installed, Instant now) {
  Actions out;
  const auto under_way = putting_.find(sa);
  if (under_way == putting_.end()) return out;
  const bool again = under_way->second;
  putting_.erase(under_way);
  const auto context = replica_.contexts().find(sa);
  if (installed && context == replica_.contexts().end()) {
    out.push_back(ReleaseContexts{{sa}});
  } else if (installed) {
    // Leases went on while it was being installed.
    auto numbers = numbers_of(context->second);
    if (!numbers.empty() && !mine()) out.push_back(SetNumbers{std::move(numbers)});
    if (charon_.try_emplace(sa, false).first->second != mine()) {
      charon_[sa] = mine();
      out.push_back(SetActive{{sa}, mine()});
    }
  }
  if (again) put(sa, out);
  settle(now, out);
  return out;
}

Actions Node::on_charon(ContextReport report, Instant now) {
  Actions out;
  charon_[report.sa] = report.active;
  const bool known = replica_.contexts().contains(report.sa);
  if (mine() && report.active) {
    proposals_.changed({report.sa, 0, report.peer, std::move(report.outbound), std::move(report.sealed)});
  } else if (mine() && known && charon_synced_ && !putting_.contains(report.sa)) {
    charon_[report.sa] = true;
    out.push_back(SetActive{{report.sa}, true});
  } else if (!mine() && report.active && replica_.current()) {
    // It is another node's, or nobody's: a standby has no SA of its own.
    charon_[report.sa] = false;
    if (known) {
      out.push_back(SetActive{{report.sa}, false});
    } else if (charon_synced_) {
      charon_.erase(report.sa);
      out.push_back(ReleaseContexts{{report.sa}});
    }
  }
  settle(now, out);
  flush(out);
  return out;
}

Actions Node::on_charon_gone(SaId sa, Instant now) {
  Actions out;
  const auto held = charon_.find(sa);
  const bool was_active = held != charon_.end() && held->second;
  if (held != charon_.end()) charon_.erase(held);
  // Perhaps its context is only on its way to the log: Proposals knows.
  if (mine() && was_active) proposals_.gone(sa);
  settle(now, out);
  flush(out);
  return out;
}

// What charon holds against what the cluster holds.
void Node::reconcile(Actions& out) {
  if (!charon_synced_ || !replica_.current() || !settings_.gateway) return;
  std::vector<SaId> unknown;
  std::vector<SaId> wrong;
  for (auto& [sa, active] : charon_) {
    if (!replica_.contexts().contains(sa)) {
      if (!mine()) unknown.push_back(sa);
    } else if (active != mine()) {
      active = mine();
      wrong.push_back(sa);
    }
  }
  if (!wrong.empty()) out.push_back(SetActive{std::move(wrong), mine()});
  for (const SaId sa : unknown) charon_.erase(sa);
  if (!unknown.empty()) out.push_back(ReleaseContexts{std::move(unknown)});
  for (const auto& [sa, context] : replica_.contexts()) {
    if (!mine() || !charon_.contains(sa)) put(sa, out);
  }
}

Actions Node::on_charon_synced(Instant now) {
  Actions out;
  charon_synced_ = true;
  out.push_back(Note{"charon-synced", std::to_string(charon_.size()) + " IKE_SAs in charon"});
  reconcile(out);
  settle(now, out);
  return out;
}

Actions Node::on_charon_lost(Instant now) {
  Actions out;
  if (charon_synced_) out.push_back(Note{"charon-lost", "the connection to charon is gone"});
  charon_synced_ = false;
  charon_.clear();
  putting_.clear();
  settle(now, out);
  if (role_ == Role::Owner && !agreement_.frozen()) {
    if (const auto next = successor()) leave_to(*next, "charon is gone", out);
  }
  return out;
}

// Asks for the next lease when half of this one is spent.
Actions Node::on_used(const std::vector<OutboundNumber>& used, Instant /*now*/) {
  Actions out;
  if (!mine()) return out;
  for (const OutboundNumber& top : used) {
    const auto lease = replica_.leases().find(top.key);
    if (lease == replica_.leases().end() || proposals_.grant_pending(top.key)) continue;
    const std::uint64_t end = lease->second.end;
    if (top.used < end && end - top.used > replica_.lease_size() / 2) continue;
    proposals_.grant({top.key, end + replica_.lease_size()});
  }
  flush(out);
  return out;
}

}  // namespace hasync::hasyncd
