#include "clusterip/segment.h"

#include "clusterip/bpf/segment_hash.h"

namespace hasync::clusterip {
namespace {

static_assert(HASYNC_SEGMENTS == kSegments);

std::uint32_t little_endian(std::span<const std::uint8_t> bytes) {
  return std::uint32_t{bytes[0]} | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 |
         std::uint32_t{bytes[3]} << 24;
}

}  // namespace

SegmentId segment_of(const Address& peer) {
  const auto bytes = peer.wire();
  if (bytes.size() == 4) {
    return SegmentId{hasync_segment_of_hash(hasync_jhash_1(little_endian(bytes), HASYNC_SEGMENT_SEED))};
  }
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = little_endian(bytes.subspan(4 * i, 4));
  return SegmentId{hasync_segment_of_hash(hasync_jhash_4(words.data(), HASYNC_SEGMENT_SEED))};
}

}  // namespace hasync::clusterip
