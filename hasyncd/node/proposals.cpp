#include "hasyncd/node/proposals.h"

#include <utility>

namespace hasync::hasyncd {

void Proposals::changed(Delta delta, std::uint64_t report) {
  if (report != 0) reports_.came(delta.sa, report);
  gone_.erase(delta.sa);
  deltas_.insert_or_assign(delta.sa, std::move(delta));
}

void Proposals::gone(SaId sa, std::uint64_t report) {
  if (report != 0) reports_.came(sa, report);
  deltas_.erase(sa);
  gone_.insert(sa);
}

void Proposals::grant(const Lease& lease) {
  grants_.insert_or_assign(lease.key, lease);
}

void Proposals::move(NodeId to) {
  move_ = to;
}

std::vector<Entry> Proposals::due(Epoch epoch, const std::map<SaId, Delta>& known) {
  std::vector<Entry> out;
  const auto version = [&](SaId sa) {
    const auto it = known.find(sa);
    return it == known.end() ? 0 : it->second.version;
  };
  for (auto it = deltas_.begin(); it != deltas_.end();) {
    if (busy_.contains(it->first)) {
      ++it;
      continue;
    }
    it->second.version = version(it->first) + 1;
    out.push_back({epoch, std::move(it->second)});
    it = deltas_.erase(it);
  }
  for (auto it = gone_.begin(); it != gone_.end();) {
    if (busy_.contains(*it)) {
      ++it;
      continue;
    }
    if (known.contains(*it)) {
      out.push_back({epoch, Gone{*it}});
    } else {
      reports_.sent(*it);
      reports_.logged(*it);
    }
    it = gone_.erase(it);
  }
  while (!grants_.empty()) {
    Grant grant;
    for (; !grants_.empty() && grant.leases.size() < kMaxLeases; grants_.erase(grants_.begin())) {
      grant.leases.push_back(grants_.begin()->second);
    }
    out.push_back({epoch, std::move(grant)});
  }
  // Last: what the next owner must know goes before it becomes the owner, and has arrived, as it might be
  // void.
  const bool said = deltas_.empty() && gone_.empty() && busy_.empty() && out.empty();
  if (move_ && said) out.push_back({epoch, Move{*std::exchange(move_, std::nullopt)}});
  return out;
}

void Proposals::sent(std::uint64_t number, const Entry& entry) {
  in_flight_.emplace(number, entry);
  const auto begin = [&](SaId sa) {
    busy_.emplace(sa, Busy{});
    reports_.sent(sa);
  };
  if (const auto* delta = std::get_if<Delta>(&entry.body)) begin(delta->sa);
  if (const auto* gone = std::get_if<Gone>(&entry.body)) begin(gone->sa);
  if (const auto* grant = std::get_if<Grant>(&entry.body)) {
    for (const Lease& lease : grant->leases) granted_.insert(lease.key);
  }
}

bool Proposals::delivered(std::uint64_t number, bool counted) {
  const auto it = in_flight_.find(number);
  if (it == in_flight_.end()) return false;
  const Entry entry = std::move(it->second);
  in_flight_.erase(it);
  bool forgotten = false;
  const auto done = [&](SaId sa) {
    const auto busy = busy_.extract(sa);
    forgotten = busy && busy.mapped().forgotten;
    counted ? reports_.logged(sa) : reports_.refused(sa);
  };
  if (const auto* delta = std::get_if<Delta>(&entry.body)) done(delta->sa);
  if (const auto* gone = std::get_if<Gone>(&entry.body)) done(gone->sa);
  if (const auto* grant = std::get_if<Grant>(&entry.body)) {
    for (const Lease& lease : grant->leases) granted_.erase(lease.key);
  }
  if (!counted && !forgotten) again(entry);
  return !forgotten;
}

void Proposals::forget_contexts() {
  deltas_.clear();
  gone_.clear();
  reports_.clear();
  for (auto& [sa, busy] : busy_) busy.forgotten = true;
}

// Said again unless something newer waits already. A move is not repeated: the owner decides anew.
void Proposals::again(const Entry& entry) {
  if (const auto* delta = std::get_if<Delta>(&entry.body)) {
    if (!gone_.contains(delta->sa)) deltas_.try_emplace(delta->sa, *delta);
  } else if (const auto* gone = std::get_if<Gone>(&entry.body)) {
    if (!deltas_.contains(gone->sa)) gone_.insert(gone->sa);
  } else if (const auto* grant = std::get_if<Grant>(&entry.body)) {
    for (const Lease& lease : grant->leases) grants_.try_emplace(lease.key, lease);
  }
}

void Proposals::repeat_all() {
  const auto sent = std::exchange(in_flight_, {});
  const auto busy = std::exchange(busy_, {});
  granted_.clear();
  for (const auto& [sa, about] : busy) reports_.refused(sa);
  for (const auto& [number, entry] : sent) {
    const auto* delta = std::get_if<Delta>(&entry.body);
    const auto* gone = std::get_if<Gone>(&entry.body);
    const SaId sa = delta != nullptr ? delta->sa : gone != nullptr ? gone->sa : SaId{};
    const auto about = busy.find(sa);
    if (about == busy.end() || !about->second.forgotten) again(entry);
  }
}

std::set<SaId> Proposals::clear() {
  std::set<SaId> concerned = std::move(gone_);
  for (const auto& [sa, busy] : busy_) concerned.insert(sa);
  for (const auto& [sa, delta] : deltas_) concerned.insert(sa);
  *this = Proposals{};
  return concerned;
}

}  // namespace hasync::hasyncd
