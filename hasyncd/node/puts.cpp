#include "hasyncd/node/puts.h"

#include <algorithm>
#include <utility>

#include "hasyncd/log/replica.h"

namespace hasync::hasyncd {

namespace {

constexpr Duration kLately = std::chrono::seconds{1};  // hundreds of PUTs

}  // namespace

bool Puts::want(SaId sa, std::uint64_t position) {
  if (const auto asked = under_way_.find(sa); asked != under_way_.end()) {
    asked->second.again = true;
    return false;
  }
  const auto known = std::ranges::find(wanted_, sa, &Wanted::sa);
  if (known != wanted_.end()) {
    known->position = position;
    return false;
  }
  wanted_.push_back({sa, position, {}});
  return true;
}

std::vector<SaId> Puts::due(std::uint64_t position) const {
  std::vector<SaId> out;
  for (const Wanted& one : wanted_) {
    if (one.position <= position) out.push_back(one.sa);
  }
  return out;
}

std::vector<OutboundKey> Puts::asked(SaId sa, bool active) {
  std::vector<OutboundKey> rekeys;
  const auto known = std::ranges::find(wanted_, sa, &Wanted::sa);
  if (known != wanted_.end()) {
    rekeys = std::move(known->rekeys);
    wanted_.erase(known);
  }
  under_way_[sa] = {active};
  return rekeys;
}

void Puts::rekey_behind(SaId sa, const OutboundKey& key) {
  const auto known = std::ranges::find(wanted_, sa, &Wanted::sa);
  if (known != wanted_.end() && std::ranges::find(known->rekeys, key) == known->rekeys.end()) {
    known->rekeys.push_back(key);
  }
}

std::optional<Puts::UnderWay> Puts::answered(SaId sa) {
  const auto asked = under_way_.extract(sa);
  return asked.empty() ? std::nullopt : std::optional{asked.mapped()};
}

void Puts::begin_epoch() {
  for (Wanted& one : wanted_) one.position = kBeginning;
}

bool Puts::keeps_up(Instant now) {
  if (empty()) last_empty_ = now;
  return last_empty_ && now - *last_empty_ <= kLately;
}

bool Puts::wanted(SaId sa) const {
  return std::ranges::find(wanted_, sa, &Wanted::sa) != wanted_.end();
}

bool Puts::contains(SaId sa) const {
  return under_way_.contains(sa) || wanted(sa);
}

}  // namespace hasync::hasyncd
