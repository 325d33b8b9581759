#include "testbed/stream/stream_ledger.h"

#include <algorithm>

namespace hasync::testbed {

std::optional<Gap> StreamLedger::arrived(std::uint64_t counter, std::int64_t at_ns) {
  if (counter > kHighestCounter) {
    ++totals_.refused;
    return std::nullopt;
  }
  if (counter >= seen_.size()) seen_.resize(std::max<std::size_t>(counter + 1, seen_.size() * 2));
  if (seen_[counter]) {
    ++totals_.duplicates;
  } else {
    seen_[counter] = true;
    ++totals_.received;
    if (last_at_ && counter < highest_) ++totals_.reordered;
  }

  std::optional<Gap> ended;
  if (last_at_) {
    const Gap gap{*last_at_, at_ns, last_counter_, counter};
    if (gap.to_ns - gap.from_ns > longest_.to_ns - longest_.from_ns) longest_ = gap;
    const bool is_long = gap.to_ns - gap.from_ns > threshold_;
    if (is_long || told_silent_) ended = gap;
    if (is_long) {
      if (gaps_.size() < kMostGaps) gaps_.push_back(gap);
    }
  }
  highest_ = std::max(highest_, counter);
  last_counter_ = counter;
  last_at_ = at_ns;
  told_silent_ = false;
  return ended;
}

std::optional<std::int64_t> StreamLedger::silent_since(std::int64_t now_ns) {
  if (!last_at_ || told_silent_ || now_ns - *last_at_ <= threshold_) return std::nullopt;
  told_silent_ = true;
  return last_at_;
}

Totals StreamLedger::totals() const {
  Totals totals = totals_;
  if (last_at_) totals.lost_so_far = highest_ + 1 - totals.received;
  return totals;
}

}  // namespace hasync::testbed
