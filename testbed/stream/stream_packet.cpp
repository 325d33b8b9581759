#include "testbed/stream/stream_packet.h"

#include <endian.h>

#include <cstring>

namespace hasync::testbed {

namespace {

constexpr std::uint32_t kMagic = 0x48535452;

struct Layout {
  std::uint32_t magic;
  std::uint32_t run;
  std::uint64_t counter;
  std::uint64_t sent_ns;
};
static_assert(sizeof(Layout) == kStreamPacketSize);

}  // namespace

void encode(const StreamPacket& packet, std::span<std::uint8_t, kStreamPacketSize> out) {
  const Layout layout{htobe32(kMagic), htobe32(packet.run), htobe64(packet.counter),
                      htobe64(static_cast<std::uint64_t>(packet.sent_ns))};
  std::memcpy(out.data(), &layout, sizeof layout);
}

std::optional<StreamPacket> decode_stream_packet(std::span<const std::uint8_t> bytes) {
  Layout layout{};
  if (bytes.size() < sizeof layout) return std::nullopt;
  std::memcpy(&layout, bytes.data(), sizeof layout);
  if (be32toh(layout.magic) != kMagic) return std::nullopt;
  return StreamPacket{be32toh(layout.run), be64toh(layout.counter),
                      static_cast<std::int64_t>(be64toh(layout.sent_ns))};
}

}  // namespace hasync::testbed
