#include "hasyncd/node/taken_over.h"

#include <algorithm>
#include <utility>

namespace hasync::hasyncd {

namespace {

constexpr Duration kAgain = std::chrono::seconds{60};

// Knuth's multiplicative hash: SPIs that follow each other come far apart.
std::uint32_t place(EspSpi spi) {
  return spi.value * 2654435761U;
}

}  // namespace

void TakenOver::begin(Spis spis, Instant now) {
  spis_ = std::move(spis);
  lingering_.clear();
  plan(now);
}

// Of one that an older hasyncd has reported the inbound half is not known.
void TakenOver::ended(EspSpi outbound) {
  const auto sa = spis_.extract(outbound);
  if (!sa.empty() && sa.mapped() != EspSpi{}) lingering_.insert(sa.mapped());
}

std::optional<EspSpi> TakenOver::inbound(EspSpi outbound) const {
  const auto sa = spis_.find(outbound);
  return sa == spis_.end() || sa->second == EspSpi{} ? std::nullopt : std::optional(sa->second);
}

std::optional<EspSpi> TakenOver::closed(EspSpi inbound) {
  const auto sa = std::ranges::find(spis_, inbound, &Spis::value_type::second);
  if (sa == spis_.end()) return {};
  const EspSpi outbound = sa->first;
  spis_.erase(sa);
  return outbound;
}

void TakenOver::read(const std::vector<InboundTop>& tops) {
  if (lingering_.empty()) return;
  std::set<EspSpi> there;
  for (const InboundTop& top : tops) {
    if (lingering_.contains(top.key.spi)) there.insert(top.key.spi);
  }
  lingering_ = std::move(there);
}

// In an order that no peer and no age decides.
void TakenOver::plan(Instant now) {
  due_.clear();
  if (spread_ == Duration{}) return;
  std::vector<EspSpi> spis;
  for (const auto& [outbound, inbound] : spis_) spis.push_back(outbound);
  std::ranges::sort(spis, {}, place);
  const auto count = static_cast<Duration::rep>(spis.size());
  for (Duration::rep i = 0; i < count; ++i) {
    due_.push_back({now + spread_ / count * i, spis[static_cast<std::size_t>(i)]});
  }
  again_ = now + spread_ + kAgain;
}

std::vector<EspSpi> TakenOver::due(Instant now) {
  std::vector<EspSpi> out;
  if (due_.empty() && !spis_.empty() && now >= again_) plan(now);
  for (; !due_.empty() && due_.front().at <= now && out.size() < kExchangesAtOnce; due_.pop_front()) {
    if (spis_.contains(due_.front().spi)) out.push_back(due_.front().spi);
  }
  return out;
}

}  // namespace hasync::hasyncd
