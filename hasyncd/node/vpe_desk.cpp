#include "hasyncd/node/vpe_desk.h"

#include <algorithm>
#include <utility>

namespace hasync::hasyncd {

void VpeDesk::begin(std::uint64_t session) {
  if (std::exchange(session_, session) != session) told_ = false;
}

std::optional<VpeBegin> VpeDesk::to_tell(const VpeShares& shares) {
  if (session_ == 0 || told_ || shares.session(self_) == session_) return {};
  told_ = true;
  return VpeBegin{session_};
}

void VpeDesk::changed(const std::vector<EspSpi>& shared, std::uint64_t position) {
  if (!shared.empty()) unstable_[position].insert(shared.begin(), shared.end());
}

// What was given and not stable is part of the beginning now: it counts when that does.
void VpeDesk::installed() {
  told_ = false;
  std::set<EspSpi> pending;
  for (auto& [position, spis] : unstable_) pending.merge(spis);
  unstable_.clear();
  if (!pending.empty()) unstable_[kBeginning] = std::move(pending);
}

void VpeDesk::state_lost(const std::vector<EspSpi>& was) {
  old_.insert(was.begin(), was.end());
  for (const auto& [sa, spis] : reported_) {
    for (const auto& [outbound, inbound] : spis) old_.insert(outbound);
  }
}

void VpeDesk::held(const std::vector<OutboundSa>& outbound) {
  for (const OutboundSa& sa : outbound) {
    if (sa.vpe) due_.insert(sa.key.spi);
  }
}

void VpeDesk::charon_lost() {
  begin(0);
}

void VpeDesk::reported(SaId sa, std::vector<OutboundSa>& outbound, bool fresh) {
  std::map<EspSpi, EspSpi> spis;
  for (OutboundSa& one : outbound) {
    if (!one.vpe) continue;
    one.vpe_old = one.vpe_old || !fresh || old_.contains(one.key.spi);
    spis.emplace(one.key.spi, one.inbound);
  }
  if (spis.empty()) {
    reported_.erase(sa);
  } else {
    reported_.insert_or_assign(sa, std::move(spis));
  }
}

bool VpeDesk::waits(EspSpi spi) const {
  return std::ranges::any_of(unstable_, [spi](const auto& wait) { return wait.second.contains(spi); });
}

std::optional<GiveVpe> VpeDesk::to_give(const VpeShares& shares, std::uint64_t stable,
                                        const std::function<bool(SaId)>& holds) {
  while (!unstable_.empty() && unstable_.begin()->first <= stable) {
    due_.merge(unstable_.begin()->second);
    unstable_.erase(unstable_.begin());
  }
  if (due_.empty()) return {};
  GiveVpe out{.session = session_};
  // A later share of the same SA may wait behind this one: then it comes with that.
  std::erase_if(due_, [&](EspSpi spi) {
    if (waits(spi)) return false;
    const auto place = shares.share(spi, self_, session_);
    if (place && holds(*shares.holder(spi))) out.shares.push_back({*shares.holder(spi), spi, *place});
    return true;
  });
  if (out.shares.empty()) return {};
  return out;
}

}  // namespace hasync::hasyncd
