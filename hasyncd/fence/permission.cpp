#include "hasyncd/fence/permission.h"

#include <algorithm>
#include <functional>

namespace hasync::hasyncd {

Duration takeover_wait(const FenceSettings& settings) {
  return settings.fence + settings.fence * settings.drift_ppm / 1'000'000 + std::chrono::milliseconds{1};
}

void Permission::install(const Install& install) {
  install_ = install;
  acknowledged_.clear();
  honoured_.clear();
}

void Permission::suspended(Instant now) {
  not_before_ = now;
  acknowledged_.clear();
}

bool Permission::is_member(Process process) const {
  const EpochMember* member = install_ ? install_->find(process.node) : nullptr;
  return member != nullptr && member->process == process;
}

void Permission::acknowledged(Process by, Epoch epoch, const Ack& ack) {
  if (ack.of != self_ || !install_ || epoch != install_->epoch || !is_member(by)) return;
  const Instant sent{static_cast<Instant::rep>(ack.sent_ns)};
  if (sent < not_before_) return;
  Instant& newest = acknowledged_[by.node];
  newest = std::max(newest, sent);
}

std::optional<Instant> Permission::deadline(Instant now) const {
  std::vector<Instant> sent{now};  // this node acknowledges itself
  for (const auto& [node, time] : acknowledged_) sent.push_back(std::min(time, now));
  if (!install_ || sent.size() < majority_) return std::nullopt;
  std::ranges::sort(sent, std::greater{});
  return sent[majority_ - 1] + settings_.fence;
}

void Permission::heard(Process from, Epoch epoch, std::uint64_t sent_ns) {
  if (!install_ || epoch != install_->epoch || !is_member(from)) return;
  Ack& ack = honoured_[from.node];
  if (sent_ns > ack.sent_ns) ack = {from, sent_ns};
}

std::vector<Ack> Permission::honoured() const {
  std::vector<Ack> out;
  for (const auto& [node, ack] : honoured_) out.push_back(ack);
  return out;
}

}  // namespace hasync::hasyncd
