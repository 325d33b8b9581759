#include "vpe/packet.h"

namespace hasync::vpe {

std::optional<Header> decode_packet(BytesView packet) {
  if (packet.size() < kHeaderSize + kSmallestPayload || packet.size() > kLargestPacket) return std::nullopt;
  return decode(packet.first<kIcvAt>());
}

}  // namespace hasync::vpe
