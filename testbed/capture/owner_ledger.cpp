#include "testbed/capture/owner_ledger.h"

namespace hasync::testbed {

void OwnerLedger::book(const Path& path, std::int64_t at_ns) {
  Segment& segment = segments_[{path.source, path.destination}];
  const auto [heard, first] = segment.last_heard.try_emplace(path.sender, at_ns);
  const bool back_soon = !first && segment.current != path.sender && at_ns - heard->second < kSoon;
  const auto owner = owners_.find(path.source);
  if (owner == owners_.end() ? back_soon : owner->second != path.sender) strays_.push_back({path, at_ns});
  heard->second = at_ns;
  segment.current = path.sender;
}

void OwnerLedger::book(const Announcement& announcement, std::int64_t at_ns) {
  owners_[announcement.address] = announcement.sender;
  std::erase_if(strays_, [&](const Stray& stray) {
    return stray.path.sender == announcement.sender && stray.path.source == announcement.address &&
           at_ns - stray.at_ns < kEarly;
  });
}

}  // namespace hasync::testbed
