#include "hasyncd/log/stability.h"

#include <algorithm>

#include "hasyncd/log/replica.h"

namespace hasync::hasyncd {

void Stability::install(const Install& install) {
  epoch_ = install.epoch;
  reports_.clear();
  digests_.clear();
  for (const EpochMember& member : install.members) reports_.emplace(member.process, Report{});
}

void Stability::reached(std::uint64_t index, std::uint64_t digest) {
  if (index == kBeginning) digests_.emplace(kBeginning - 1, digest);
  digests_.emplace(index, digest);
  for (auto& [process, report] : reports_) compare(report);
}

void Stability::reported(Process by, Epoch epoch, std::uint64_t index, std::uint64_t digest) {
  const auto known = reports_.find(by);
  if (epoch != epoch_ || known == reports_.end() || index < known->second.index) return;
  known->second.index = index;
  known->second.digest = digest;
  compare(known->second);
  digests_.erase(digests_.begin(), digests_.lower_bound(stable()));
}

void Stability::compare(Report& report) {
  const auto ours = digests_.find(report.index);
  if (ours != digests_.end() && ours->second == report.digest) report.agreed = report.index;
}

std::uint64_t Stability::stable() const {
  const auto lowest =
      std::ranges::min_element(reports_, {}, [](const auto& item) { return item.second.agreed; });
  return lowest == reports_.end() ? 0 : lowest->second.agreed;
}

std::size_t Stability::whole() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(reports_, [](const auto& r) { return r.second.agreed > 0; }));
}

std::uint64_t Stability::agreed(NodeId node) const {
  const auto it = std::ranges::find(reports_, node, [](const auto& item) { return item.first.node; });
  return it == reports_.end() ? 0 : it->second.agreed;
}

}  // namespace hasync::hasyncd
