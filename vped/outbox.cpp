#include "vped/outbox.h"

namespace hasync::vped {

void Outbox::add(std::size_t tunnel, std::uint8_t dscp, std::size_t size) {
  const std::size_t offset = used_;
  used_ += size;
  if (!trains_.empty()) {
    Train& last = trains_.back();
    const bool complete = last.size != last.segment * last.packets;  // a shorter one was its last
    if (last.tunnel == tunnel && last.dscp == dscp && last.offset + last.size == offset && !complete &&
        size <= last.segment && last.packets < kMostPackets && last.size + size <= kLargestTrain) {
      last.size += size;
      ++last.packets;
      return;
    }
  }
  trains_.push_back({tunnel, offset, size, size, 1, dscp});
}

}  // namespace hasync::vped
