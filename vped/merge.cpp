#include "vped/merge.h"

#include <algorithm>
#include <cstring>

#include "vped/checksum.h"
#include "vped/tcp.h"

namespace hasync::vped {
namespace {

constexpr std::size_t kLookBack = 16;      // flows at once
constexpr std::size_t kLargest = 65535;    // an IP packet
constexpr std::size_t kMostPieces = 1024;  // of one call that writes

bool same(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) {
  return std::memcmp(a, b, size) == 0;
}

bool is_tcp(std::span<const std::uint8_t> packet, const Inner& inner) {
  return inner.protocol == kTcp && inner.whole && packet.size() >= inner.header + kTcpHeader;
}

bool checksums_are_right(std::span<const std::uint8_t> packet, const Inner& inner) {
  if (inner.v4 && folded(add_up(packet.first(inner.header))) != 0xffff) return false;
  const auto tcp = packet.subspan(inner.header);
  return folded(add_up(tcp, pseudo_header(packet.data(), inner.v4, kTcp, tcp.size()))) == 0xffff;
}

}  // namespace

// Only what may be joined: data, with no flag but ACK and PSH, no options of IPv4, and DF, so that the
// identification, which is counted up when the kernel cuts it again, does not matter (RFC 6864, section 4.1).
std::optional<Merge::Segment> Merge::segment_of(std::span<const std::uint8_t> packet, const Inner& inner) {
  if (!is_tcp(packet, inner) || inner.may_be_cut || (inner.v4 && inner.header != 20)) return std::nullopt;
  const std::uint8_t* const tcp = packet.data() + inner.header;
  const std::size_t header = inner.header + tcp_header_size(tcp);
  if ((tcp[kTcpFlags] & ~kTcpPush) != kTcpAck || header < inner.header + kTcpHeader ||
      header >= packet.size())
    return std::nullopt;
  if (!checksums_are_right(packet, inner)) return std::nullopt;
  return Segment{header, packet.size() - header, vpe::get_big_endian<std::uint32_t>(tcp + kTcpSequence)};
}

// Addresses and ports.
bool Merge::same_flow(const Open& open, std::span<const std::uint8_t> packet, const Inner& inner) {
  if (!open.tcp || open.inner.v4 != inner.v4) return false;
  const std::uint8_t *a = open.first.data(), *b = packet.data();
  const std::size_t at = inner.v4 ? 12 : 8, size = inner.v4 ? 8 : 32;
  return same(a + at, b + at, size) && same(a + open.inner.header, b + inner.header, 4);
}

// All else that the kernel will put into each segment alike, and the next byte of the stream.
bool Merge::follows(const Open& open, std::span<const std::uint8_t> packet, const Segment& segment) {
  if (!open.open || segment.header != open.header || segment.sequence != open.expected) return false;
  if (segment.payload > open.segment || open.size + segment.payload > kLargest) return false;
  const std::uint8_t *a = open.first.data(), *b = packet.data();
  const std::size_t ip = open.inner.header, options = ip + kTcpHeader;
  const bool same_ip = open.inner.v4 ? a[1] == b[1] && a[8] == b[8] : same(a, b, 4) && a[7] == b[7];
  return same_ip && same(a + ip + kTcpAcknowledged, b + ip + kTcpAcknowledged, 5) &&
         same(a + ip + kTcpWindow, b + ip + kTcpWindow, 2) &&
         same(a + ip + kTcpChecksum + 2, b + ip + kTcpChecksum + 2, 2) &&
         same(a + options, b + options, open.header - options);
}

void Merge::add(std::span<std::uint8_t> packet, const Inner& inner) {
  const auto segment = segment_of(packet, inner);
  if (is_tcp(packet, inner)) {
    for (std::size_t back = 1; back <= std::min(used_, kLookBack); ++back) {
      const std::size_t at = used_ - back;
      if (!same_flow(opens_[at], packet, inner)) continue;
      if (segment && follows(opens_[at], packet, *segment) && joined_[at].pieces.size() < kMostPieces - 1)
        return append(at, packet, *segment);
      opens_[at].open = false;  // nothing may pass by this packet
      break;
    }
  }
  begin(packet, inner, segment);
}

void Merge::begin(std::span<std::uint8_t> packet, const Inner& inner, const std::optional<Segment>& segment) {
  if (used_ == joined_.size()) {
    joined_.emplace_back();
    opens_.emplace_back();
  }
  Joined& joined = joined_[used_];
  joined.offload = {};
  joined.pieces.assign(1, packet);
  Open& open = opens_[used_++] = {.first = packet, .inner = inner, .tcp = is_tcp(packet, inner)};
  if (!segment) return;
  joined.offload.flags = Offload::ChecksumIsRight;
  open.header = segment->header;
  open.segment = segment->payload;
  open.size = packet.size();
  open.expected = static_cast<std::uint32_t>(segment->sequence + segment->payload);
  open.open = (packet[inner.header + kTcpFlags] & kTcpPush) == 0;
}

void Merge::append(std::size_t at, std::span<std::uint8_t> packet, const Segment& segment) {
  Open& open = opens_[at];
  joined_[at].pieces.emplace_back(packet.subspan(segment.header));
  open.size += segment.payload;
  open.expected += static_cast<std::uint32_t>(segment.payload);
  open.pushed = (packet[open.inner.header + kTcpFlags] & kTcpPush) != 0;
  open.open = !open.pushed && segment.payload == open.segment;
}

void Merge::close(std::size_t at) {
  Joined& joined = joined_[at];
  if (joined.pieces.size() == 1) return;
  const Open& open = opens_[at];
  std::uint8_t* const ip = open.first.data();
  std::uint8_t* const tcp = ip + open.inner.header;
  set_ip_size(ip, open.inner, open.size);
  if (open.inner.v4) complete_ip_checksum(ip, open.inner);
  if (open.pushed) tcp[kTcpFlags] |= kTcpPush;
  // left open for the kernel, which has the sum of the pseudo header there
  store(tcp + kTcpChecksum, folded(pseudo_header(ip, open.inner.v4, kTcp, open.size - open.inner.header)));
  joined.offload = {.flags = Offload::NeedsChecksum,
                    .kind = open.inner.v4 ? Offload::Tcp4 : Offload::Tcp6,
                    .header = static_cast<std::uint16_t>(open.header),
                    .segment = static_cast<std::uint16_t>(open.segment),
                    .checksum_start = static_cast<std::uint16_t>(open.inner.header),
                    .checksum_offset = kTcpChecksum};
}

std::span<const Joined> Merge::finish() {
  for (std::size_t at = 0; at < used_; ++at) close(at);
  return {joined_.data(), used_};
}

}  // namespace hasync::vped
