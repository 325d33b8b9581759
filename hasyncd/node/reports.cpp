#include "hasyncd/node/reports.h"

#include <algorithm>
#include <utility>

namespace hasync::hasyncd {

void Reports::came(SaId sa, std::uint64_t number) {
  last_ = std::max(last_, number);
  wait(sa, number);
}

void Reports::wait(SaId sa, std::uint64_t number) {
  const auto [waiting, first] = waiting_.try_emplace(sa, number);
  if (!first && waiting->second <= number) return;
  open_.erase(std::exchange(waiting->second, number));
  open_.insert(number);
}

void Reports::sent(SaId sa) {
  if (auto waiting = waiting_.extract(sa)) under_way_.insert(std::move(waiting));
}

void Reports::logged(SaId sa) {
  if (const auto done = under_way_.extract(sa)) open_.erase(done.mapped());
}

void Reports::refused(SaId sa) {
  if (const auto back = under_way_.extract(sa)) wait(sa, back.mapped());
}

std::uint64_t Reports::settled() const {
  return open_.empty() ? last_ : *open_.begin() - 1;
}

}  // namespace hasync::hasyncd
