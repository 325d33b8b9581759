#include "vped/retirements.h"

#include <algorithm>

namespace hasync::vped {

void Retirements::told(const Due& what, Time now) {
  Waiting& waiting = waiting_[what.in];
  if (what.below > waiting.what.below) waiting = {what, now + kOnTheWay};
}

std::vector<Retirements::Due> Retirements::due(Time now) {
  std::vector<Due> out;
  for (const auto& [in, waiting] : waiting_)
    if (waiting.at <= now) out.push_back(waiting.what);
  for (const Due& one : out) waiting_.erase(one.in);
  return out;
}

std::optional<Retirements::Time> Retirements::next() const {
  std::optional<Time> out;
  for (const auto& [in, waiting] : waiting_) out = std::min(out.value_or(waiting.at), waiting.at);
  return out;
}

}  // namespace hasync::vped
