#include "hasyncd/stable_times.h"

namespace hasync::hasyncd {

void StableTimes::sent(std::uint64_t number, Instant now) {
  if (sent_.size() + waiting_.size() < kMost) sent_.emplace(number, now);
}

void StableTimes::delivered(std::uint64_t number, std::uint64_t index) {
  const auto sent = sent_.find(number);
  if (sent == sent_.end()) return;
  waiting_.emplace(index, sent->second);
  sent_.erase(sent);
}

void StableTimes::stable(Epoch epoch, std::uint64_t index, Instant now) {
  if (epoch != epoch_) {
    epoch_ = epoch;
    sent_.clear();
    waiting_.clear();
  }
  while (!waiting_.empty() && waiting_.begin()->first <= index) {
    times_.observe(std::chrono::duration<double>(now - waiting_.begin()->second).count());
    waiting_.erase(waiting_.begin());
  }
}

}  // namespace hasync::hasyncd
