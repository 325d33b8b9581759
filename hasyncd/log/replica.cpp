#include "hasyncd/log/replica.h"

#include <algorithm>

namespace hasync::hasyncd {

namespace {

constexpr std::size_t kSnapshotBytes = 256 * 1024;  // per part: well below CPG's largest message

std::uint64_t mixed(std::uint64_t digest, std::uint64_t word) {
  // splitmix64's finaliser: spreads each entry's name over the digest. Not a defence against forgers; the
  // seal is.
  std::uint64_t z = digest + 0x9e3779b97f4a7c15U + word;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

template <typename What>
void add(std::vector<What>& to, const What& what) {
  if (std::ranges::find(to, what) == to.end()) to.push_back(what);
}

}  // namespace

StateMark Replica::mark() const {
  StateMark out = mark_;
  out.owner = owner_ == self_;
  return out;
}

Changes Replica::install(const Install& install) {
  install_ = install;
  waiting_.reset();
  Changes out;
  out.counted = true;
  const EpochMember* me = install.find(self_.node);
  if (install.reference == kNobody) {
    begin_empty(out);
    begun_ = install.epoch;
  } else if (me == nullptr || me->needy) {
    waiting_.emplace();
    return out;
  }
  mark_ = beginning();
  choose_owner(out);
  return out;
}

StateMark Replica::beginning() const {
  const std::uint64_t digest = mixed(install_.epoch.value, install_.reference.value);
  return {.epoch = install_.epoch,
          .index = kBeginning,
          .digest = digest,
          .whole = true,
          .lone = install_.lone(),
          .begun = begun_};
}

void Replica::begin_empty(Changes& out) {
  for (const auto& [sa, context] : contexts_) out.gone.push_back(sa);
  for (const auto& [key, lease] : leases_) out.unleased.push_back(key);
  out.unshared = vpe_.all();
  contexts_.clear();
  named_.clear();
  leases_.clear();
  by_spi_.clear();
  ended_.clear();
  vpe_.clear();
  owner_ = {};
}

// Every member computes the same: the owner is part of the state, and who is needy is part of the install.
void Replica::choose_owner(Changes& out) {
  const EpochMember* present = install_.find(owner_.node);
  if (present != nullptr && present->process == owner_ && !present->needy) return;
  const auto pick = [this](bool needy) {
    return std::ranges::find_if(install_.members,
                                [needy](const EpochMember& m) { return m.gateway && m.needy == needy; });
  };
  auto next = pick(false);
  if (next == install_.members.end()) next = pick(true);
  change_owner(next == install_.members.end() ? Process{} : next->process, out);
}

// The change itself is the grant: the new owner has [end, end + lease), everybody else stands behind it.
void Replica::change_owner(Process to, Changes& out) {
  owner_ = to;
  out.owner_changed = true;
  std::set<EspSpi> several;
  for (auto& [key, lease] : leases_) {
    if (by_spi_.lower_bound({key.spi, Address{}})->second != key.address) several.insert(key.spi);
    lease.floor = lease.end;
    lease.end = capped(lease.end + lease_, lease.esn);
    out.leased.push_back(key);
  }
  // Of these the lower ones would come to where the highest has been.
  for (const EspSpi spi : several) raise(spi, highest_of(spi)->floor);
}

// An IKE_SA that was rekeyed while its peer moved may be here twice, and its CHILD_SA under both addresses,
// with the same keys (RFC 7296, section 2.8). Each lease of the SPI goes behind `used`, and they stay apart
// and in their order. By their ends alone: those are the same at every member.
void Replica::raise(EspSpi spi, std::uint64_t used) {
  for (const OutboundKey& key : by_end(spi)) {
    LeaseState& lease = leases_.at(key);
    if (lease.end < used + lease_) {
      lease.floor = used;
      lease.end = capped(used + lease_, lease.esn);
    }
    used = lease.end;
  }
}

std::vector<OutboundKey> Replica::by_end(EspSpi spi) const {
  std::vector<OutboundKey> out;
  for (auto it = by_spi_.lower_bound({spi, Address{}}); it != by_spi_.end() && it->first == spi; ++it) {
    out.push_back({it->second, spi});
  }
  std::ranges::stable_sort(out, {}, [this](const OutboundKey& key) { return leases_.at(key).end; });
  return out;
}

Changes Replica::apply(Process from, std::uint64_t number, const Entry& entry) {
  Changes out;
  if (entry.epoch != install_.epoch || install_.find(from.node) == nullptr) return out;
  out.counted = true;
  if (waiting_) {
    waiting_->entries.push_back({{from, number}, entry});
    return out;
  }
  ++mark_.index;
  mark_.digest = mixed(mixed(mark_.digest, from.incarnation.value), number);
  if (from != owner_ && !std::holds_alternative<VpeBegin>(entry.body)) {
    out.refused = true;
    return out;
  }
  std::visit([&](const auto& body) { apply_body(from, body, out); }, entry.body);
  return out;
}

void Replica::apply_body(Process /*from*/, const Delta& delta, Changes& out) {
  const auto known = contexts_.find(delta.sa);
  if (known != contexts_.end() && known->second.version >= delta.version) {
    out.refused = true;
    return;
  }
  const Delta before = known == contexts_.end() ? Delta{.sa = delta.sa} : let_go(known);
  hold(delta);
  for (const OutboundSa& outbound : delta.outbound) {
    if (!outbound.vpe) lease_new(delta, outbound, out);
  }
  hold_vpe(delta, out);
  drop_leases(before, delta.outbound, out);
  let_go_vpe(before, delta.outbound, out);
  add(out.upserted, delta.sa);
}

void Replica::hold(const Delta& delta) {
  for (const OutboundSa& outbound : delta.outbound) {
    if (!outbound.vpe) named_.emplace(outbound.key.spi, delta.sa);
  }
  contexts_.insert_or_assign(delta.sa, delta);
}

Delta Replica::let_go(std::map<SaId, Delta>::iterator context) {
  Delta out = std::move(contexts_.extract(context).mapped());
  for (const OutboundSa& outbound : out.outbound) named_.erase({outbound.key.spi, out.sa});
  return out;
}

// VPE's numbers are nobody's to lease. One that has ended, and is named again, may have been sent on.
void Replica::hold_vpe(const Delta& delta, Changes& out) {
  for (const OutboundSa& outbound : delta.outbound) {
    const EspSpi spi = outbound.key.spi;
    const auto holder = vpe_.holder(spi);
    const bool old = outbound.vpe_old || ended_.end_of(spi) != 0;
    if (outbound.vpe && (vpe_.hold(spi, delta.sa, old) || holder != delta.sa)) add(out.shared, spi);
  }
}

void Replica::let_go_vpe(const Delta& before, const std::vector<OutboundSa>& keep, Changes& out) {
  for (const OutboundSa& outbound : before.outbound) {
    const auto same = [&](const OutboundSa& other) { return other.vpe && other.key.spi == outbound.key.spi; };
    if (!outbound.vpe || std::ranges::any_of(keep, same)) continue;
    if (!vpe_.let_go(outbound.key.spi, before.sa)) continue;
    ended_.remember({outbound.key.spi, 1});
    out.unshared.push_back(outbound.key.spi);
  }
}

std::vector<SaId> Replica::naming(EspSpi spi) const {
  std::vector<SaId> out;
  for (auto it = named_.lower_bound({spi, SaId{}}); it != named_.end() && it->first == spi; ++it) {
    out.push_back(it->second);
  }
  return out;
}

void Replica::lease_new(const Delta& delta, const OutboundSa& outbound, Changes& out) {
  if (const auto known = leases_.find(outbound.key); known != leases_.end()) {
    known->second.sa = delta.sa;  // an IKE rekey hands its CHILD_SAs on
    return;
  }
  // The peer's address changed (RFC 4555): the same SA under another key, perhaps of another IKE_SA by now.
  // Its numbers go on behind its lease, also behind one that has ended.
  const LeaseState* elsewhere = highest_of(outbound.key.spi);
  const std::uint64_t floor = std::max(
      {outbound.used + 1, ended_.end_of(outbound.key.spi), elsewhere == nullptr ? 0 : elsewhere->end});
  leases_.emplace(outbound.key, LeaseState{delta.sa, floor, capped(floor + lease_, outbound.esn),
                                           outbound.esn, elsewhere == nullptr ? 0 : elsewhere->left});
  by_spi_.emplace(outbound.key.spi, outbound.key.address);
  out.leased.push_back(outbound.key);
}

// The highest lease of this SPI under any address. Another peer's SA may have the same SPI: then numbers are
// skipped for nothing, which costs nothing.
const LeaseState* Replica::highest_of(EspSpi spi) const {
  const LeaseState* highest = nullptr;
  for (auto it = by_spi_.lower_bound({spi, Address{}}); it != by_spi_.end() && it->first == spi; ++it) {
    const LeaseState& lease = leases_.at({it->second, spi});
    if (highest == nullptr || lease.end > highest->end) highest = &lease;
  }
  return highest;
}

std::optional<SaId> Replica::newest_of(EspSpi spi) const {
  const LeaseState* highest = highest_of(spi);
  return highest == nullptr ? vpe_.holder(spi) : std::optional{highest->sa};
}

void Replica::drop_leases(const Delta& before, const std::vector<OutboundSa>& keep, Changes& out) {
  for (const OutboundSa& old : before.outbound) {
    const auto lease = leases_.find(old.key);
    const bool handed_on = lease == leases_.end() || lease->second.sa != before.sa;
    if (handed_on || std::ranges::find(keep, old.key, &OutboundSa::key) != keep.end()) continue;
    const LeaseState ended = leases_.extract(lease).mapped();
    by_spi_.erase({old.key.spi, old.key.address});
    out.unleased.push_back(old.key);
    pass_on(old.key, ended, out);
  }
}

// Whatever comes of this SPI later begins behind the lease that has ended. An IKE_SA that had handed its
// CHILD_SA on may still be here, if its own end was lost with an owner: it has the lease then, as long as it
// names the SPI.
void Replica::pass_on(const OutboundKey& key, const LeaseState& ended, Changes& out) {
  const auto names = naming(key.spi);
  if (names.empty()) return ended_.remember({key.spi, ended.end});
  if (highest_of(key.spi) == nullptr) {
    const Delta& heir = contexts_.at(names.front());
    const auto sa = std::ranges::find(heir.outbound, key.spi, [](const auto& o) { return o.key.spi; });
    leases_.emplace(sa->key, LeaseState{heir.sa, ended.end, ended.end, sa->esn, ended.left});
    by_spi_.emplace(key.spi, sa->key.address);
    std::erase(out.unleased, sa->key);
  }
  // charon had taken the CHILD_SA from these when it was given the one that has dropped it.
  const bool dropped = std::ranges::find(names, ended.sa) == names.end();
  for (const SaId sa : names) {
    if (dropped) add(out.upserted, sa);
  }
  if (highest_of(key.spi)->end >= ended.end + lease_) return;
  raise(key.spi, ended.end);
  for (const OutboundKey& other : by_end(key.spi)) add(out.leased, other);
}

void Replica::apply_body(Process /*from*/, const Gone& gone, Changes& out) {
  const auto known = contexts_.find(gone.sa);
  if (known == contexts_.end()) {
    out.refused = true;
    return;
  }
  const Delta before = let_go(known);
  drop_leases(before, {}, out);
  let_go_vpe(before, {}, out);
  out.gone.push_back(gone.sa);
}

void Replica::apply_body(Process /*from*/, const Grant& grant, Changes& out) {
  for (const Lease& lease : grant.leases) {
    const auto known = leases_.find(lease.key);
    if (known == leases_.end()) continue;
    known->second.left = std::max(known->second.left, lease.left);
    const std::uint64_t end = capped(lease.end, known->second.esn);
    if (end <= known->second.end) continue;
    known->second.end = end;
    out.leased.push_back(lease.key);
  }
}

void Replica::apply_body(Process /*from*/, const Move& move, Changes& out) {
  const EpochMember* to = install_.find(move.to);
  if (to == nullptr || !to->gateway || to->process == owner_) {
    out.refused = true;
    return;
  }
  change_owner(to->process, out);
}

void Replica::apply_body(Process from, const VpeBegin& begin, Changes& out) {
  if (!install_.find(from.node)->gateway || !vpe_.begin(from.node, begin.session)) {
    out.refused = true;
    return;
  }
  out.shared = vpe_.all();
}

std::vector<Snapshot> Replica::snapshot() const {
  std::vector<Snapshot> parts(1, Snapshot{.epoch = install_.epoch, .owner = owner_});
  for (const auto& [id, node] : vpe_.nodes()) parts.back().vpe_nodes.push_back(node);
  std::size_t bytes = 0;
  for (const auto& [sa, delta] : contexts_) {
    if (bytes > kSnapshotBytes || parts.back().sas.size() >= kMaxSnapshotSas) {
      parts.push_back({.epoch = install_.epoch, .owner = owner_});
      bytes = 0;
    }
    SnapshotSa record{.delta = delta};
    for (const OutboundSa& outbound : delta.outbound) {
      const auto lease = leases_.find(outbound.key);
      if (lease != leases_.end() && lease->second.sa == sa)
        record.leases.push_back({outbound.key, lease->second.end, lease->second.left});
      if (outbound.vpe && vpe_.holder(outbound.key.spi) == sa)
        record.vpe.push_back(vpe_.taken(outbound.key.spi));
    }
    bytes += delta.sealed.size() + 64 * (delta.outbound.size() + 1);
    parts.back().sas.push_back(std::move(record));
  }
  for (const EndedLease& ended : ended_.all()) {
    if (parts.back().ended.empty() || parts.back().ended.size() == kMaxSnapshotEnded)
      parts.push_back({.epoch = install_.epoch, .owner = owner_});
    parts.back().ended.push_back(ended);
  }
  for (std::uint32_t i = 0; i < parts.size(); ++i) {
    parts[i].part = i;
    parts[i].parts = static_cast<std::uint32_t>(parts.size());
  }
  return parts;
}

Changes Replica::take(NodeId from, const Snapshot& part) {
  if (!waiting_ || part.epoch != install_.epoch || from != install_.reference) return {};
  // Parts of one sender arrive in their order; anything else is no snapshot.
  if (part.part != waiting_->parts.size()) return {};
  waiting_->parts.push_back(part);
  if (waiting_->parts.size() < part.parts) return {};
  return finish_snapshot();
}

Changes Replica::finish_snapshot() {
  Changes out;
  out.counted = out.became_whole = true;
  std::map<SaId, Delta> before;
  std::map<OutboundKey, LeaseState> leases_before;
  before.swap(contexts_);
  leases_before.swap(leases_);
  named_.clear();
  by_spi_.clear();
  ended_.clear();
  vpe_.clear();
  const Waiting waiting = std::move(*waiting_);
  waiting_.reset();
  begun_ = {};
  mark_ = beginning();
  const Process was = owner_;
  owner_ = waiting.parts.front().owner;
  // If it names this process, the install has just made it so, whoever owned before.
  out.owner_changed = owner_ != was || owner_ == self_;
  for (const Snapshot& part : waiting.parts) {
    for (const VpeNode& node : part.vpe_nodes) vpe_.adopt(node);
    for (const SnapshotSa& record : part.sas) adopt(record, out);
    for (const EndedLease& ended : part.ended) ended_.remember(ended);
  }
  out.shared = vpe_.all();
  for (const auto& [sa, delta] : before) {
    if (!contexts_.contains(sa)) out.gone.push_back(sa);
  }
  for (const auto& [key, lease] : leases_before) {
    if (!leases_.contains(key)) out.unleased.push_back(key);
  }
  for (const auto& [name, entry] : waiting.entries) {
    const Changes more = apply(name.first, name.second, entry);
    const auto append = [](auto& to, const auto& what) { to.insert(to.end(), what.begin(), what.end()); };
    append(out.upserted, more.upserted);
    append(out.gone, more.gone);
    append(out.leased, more.leased);
    append(out.unleased, more.unleased);
    for (const EspSpi spi : more.shared) add(out.shared, spi);
    out.owner_changed |= more.owner_changed;
  }
  return out;
}

void Replica::adopt(const SnapshotSa& record, Changes& out) {
  const Delta& delta = record.delta;
  hold(delta);
  out.upserted.push_back(delta.sa);
  for (const OutboundSa& outbound : delta.outbound) {
    if (outbound.vpe) vpe_.adopt(outbound.key.spi, delta.sa);
  }
  for (const VpeTaken& taken : record.vpe) vpe_.adopt(taken, delta.sa);
  for (const OutboundSa& outbound : delta.outbound) {
    const auto lease = std::ranges::find(record.leases, outbound.key, &Lease::key);
    if (lease == record.leases.end()) continue;
    // If this process is the owner, the install has just made it so and granted [end - lease, end); at the
    // end of the numbers it may have been less.
    const bool spent = !outbound.esn && lease->end >= kNumbers32;
    const std::uint64_t floor = spent ? lease->end : lease->end - lease_;
    leases_.insert_or_assign(outbound.key,
                             LeaseState{delta.sa, floor, lease->end, outbound.esn, lease->left});
    by_spi_.emplace(outbound.key.spi, outbound.key.address);
    out.leased.push_back(outbound.key);
  }
}

}  // namespace hasync::hasyncd
