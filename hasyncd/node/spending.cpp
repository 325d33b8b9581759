#include "hasyncd/node/spending.h"

#include <algorithm>

namespace hasync::hasyncd {

namespace {

constexpr Duration kWindow = std::chrono::milliseconds{100};
constexpr Duration kAskAgain = std::chrono::seconds{60};

// Knuth's multiplicative hash: even neighbours are far apart.
std::uint32_t spread(EspSpi spi) {
  return spi.value * 2654435761U;
}

}  // namespace

std::uint64_t rekey_from(EspSpi spi) {
  return kNumbers32 / 4 * 3 + spread(spi) / 8;
}

std::uint64_t jump_limit(EspSpi spi) {
  return kNumbers32 / 4 + spread(spi) / 16;
}

// A counter that was set, not used, is below the new floor before: that is no speed.
void Spending::measure(Spender& spender, const LeaseState& lease, std::uint64_t used, Instant now) const {
  const Duration time = now - spender.since;
  if (spender.since != Instant{} && time < kWindow) return;
  if (spender.since != Instant{} && used > spender.used && spender.used + 1 >= lease.floor) {
    const double seconds = std::chrono::duration<double>(time).count();
    const auto speed = static_cast<std::uint64_t>(static_cast<double>(used - spender.used) / seconds);
    spender.peak = std::max(spender.peak, speed);
  }
  spender.used = used;
  spender.since = now;
}

std::uint64_t Spending::left(const OutboundKey& key, const LeaseState& lease) const {
  const auto spender = spenders_.find(key);
  return std::max(lease.left, spender == spenders_.end() ? 0 : spender->second.left);
}

Spending::Need Spending::judge(const OutboundUse& use, const LeaseState& lease, Instant now) {
  Need need;
  Spender& spender = spenders_[use.key];
  spender.left = std::max(spender.left, use.left);
  const std::uint64_t used = use.used;
  measure(spender, lease, used, now);
  const bool over = used >= lease.end;
  need.overrun = over && !spender.over;
  spender.over = over;

  const double peak = static_cast<double>(spender.peak) * std::chrono::duration<double>(time_).count();
  const std::uint64_t size = std::max(least_, static_cast<std::uint64_t>(peak));
  if (over || lease.end - used <= size / 2) {
    // The kernel's counter may have run on behind a closed gate: the next lease must reach beyond it.
    const std::uint64_t end = capped(std::max(lease.end, used + 1) + size, lease.esn);
    if (end > lease.end) need.end = end;
  }
  const bool late = lease.esn ? lease.end >= left(use.key, lease) + jump_limit(use.key.spi)
                              : std::max(used, lease.floor) >= rekey_from(use.key.spi);
  if (late && (spender.asked == Instant{} || now - spender.asked >= kAskAgain)) {
    spender.asked = now;
    need.rekey = true;
  }
  return need;
}

void Spending::keep(const std::map<OutboundKey, LeaseState>& leases) {
  if (spenders_.size() <= leases.size()) return;
  std::erase_if(spenders_, [&](const auto& known) { return !leases.contains(known.first); });
}

}  // namespace hasync::hasyncd
