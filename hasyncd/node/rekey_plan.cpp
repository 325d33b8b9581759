#include "hasyncd/node/rekey_plan.h"

#include <algorithm>

namespace hasync::hasyncd {

namespace {

// Knuth's multiplicative hash: SPIs that follow each other come far apart.
std::uint32_t place(const OutboundKey& key) {
  return key.spi.value * 2654435761U;
}

}  // namespace

void RekeyPlan::begin(std::vector<OutboundKey> keys, Duration spread, Instant now) {
  due_.clear();
  std::ranges::sort(keys);
  std::ranges::stable_sort(keys, {}, place);
  const auto count = static_cast<Duration::rep>(keys.size());
  for (Duration::rep i = 0; i < count; ++i) {
    due_.push_back({now + spread / count * i, keys[static_cast<std::size_t>(i)]});
  }
}

std::vector<OutboundKey> RekeyPlan::due(Instant now) {
  std::vector<OutboundKey> out;
  for (; !due_.empty() && due_.front().at <= now; due_.pop_front()) out.push_back(due_.front().key);
  return out;
}

}  // namespace hasync::hasyncd
