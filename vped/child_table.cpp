#include "vped/child_table.h"

#include <algorithm>

namespace hasync::vped {

namespace {

// More than any two nodes disagree on when an SA's lifetime ends.
constexpr std::chrono::hours kClocksApart{24};

}  // namespace

ChildTable::Told ChildTable::told(const Child& child, Time now, bool of_cluster) {
  if (!of_cluster && over_.contains(child.in)) return Told::Over;
  const auto until = child.delete_in ? std::optional(now + *child.delete_in) : std::nullopt;
  const auto [at, is_new] =
      entries_.try_emplace(child.in, Entry{child, told_ + 1, now, until, false, of_cluster, !of_cluster});
  if (is_new) return ++told_, Told::New;
  Entry& entry = at->second;
  const bool moved = entry.child.peer != child.peer || entry.child.peer_port != child.peer_port;
  entry.child = child;
  entry.until = until;
  entry.asked = false;
  return moved ? Told::Moved : Told::Known;
}

ChildTable::Shared ChildTable::share(EspSpi in) {
  Entry& entry = entries_.at(in);
  if (entry.has_share) return Shared::Kept;
  if (over_.contains(in)) return Shared::Used;
  entry.has_share = true;
  return Shared::Taken;
}

bool ChildTable::gone(EspSpi in) {
  const auto entry = entries_.extract(in);
  if (!entry.empty() && entry.mapped().of_cluster) finish(in, entry.mapped());
  const auto over = over_.find(in);
  if (over != over_.end() && !over->second.of_cluster) over_.erase(over);
  return !entry.empty();
}

void ChildTable::finish(EspSpi in, const Entry& entry) {
  if (!entry.has_share) return;
  over_.emplace(
      in, Over{entry.until ? std::optional(*entry.until + kClocksApart) : std::nullopt, entry.of_cluster});
}

void ChildTable::ask() {
  over_.clear();  // it gives out other incarnations
  for (auto& [spi, entry] : entries_) entry.asked = true;
}

std::vector<EspSpi> ChildTable::synced() {
  std::vector<EspSpi> out;
  for (const auto& [spi, entry] : entries_)
    if (entry.asked) out.push_back(spi);
  for (const EspSpi spi : out) entries_.erase(spi);
  return out;
}

std::vector<EspSpi> ChildTable::expired(Time now) {
  std::vector<EspSpi> out;
  for (const auto& [spi, entry] : entries_)
    if (entry.until && *entry.until <= now) out.push_back(spi);
  for (const EspSpi spi : out) finish(spi, entries_.extract(spi).mapped());
  std::erase_if(over_, [now](const auto& over) { return over.second.until && *over.second.until <= now; });
  return out;
}

std::set<EspSpi> ChildTable::senders(Time now) const {
  std::map<std::uint32_t, const Entry*> best;  // by reqid
  std::vector<const Entry*> in_order;
  for (const auto& [spi, entry] : entries_) in_order.push_back(&entry);
  std::ranges::sort(in_order, {}, &Entry::order);
  for (const Entry* entry : in_order) {
    if (!entry->has_share) continue;
    const auto [at, is_oldest] = best.try_emplace(entry->child.reqid, entry);
    if (!is_oldest && !entry->child.pending && entry->since + kSettled <= now) at->second = entry;
  }
  std::set<EspSpi> out;
  for (const auto& [reqid, entry] : best) out.insert(entry->child.in);
  return out;
}

std::optional<ChildTable::Time> ChildTable::next(Time now) const {
  std::optional<Time> out;
  const auto consider = [&](Time when) {
    if (when > now && (!out || when < *out)) out = when;
  };
  for (const auto& [spi, entry] : entries_) {
    consider(entry.since + kSettled);
    if (entry.until) consider(*entry.until);
  }
  return out;
}

}  // namespace hasync::vped
