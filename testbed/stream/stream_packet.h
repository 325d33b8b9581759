// What one packet of the test stream says: which run of which sender, its number, when it was sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace hasync::testbed {

struct StreamPacket {
  std::uint32_t run = 0;      // drawn by the sender at its start
  std::uint64_t counter = 0;  // 0, 1, 2, ...
  std::int64_t sent_ns = 0;   // CLOCK_REALTIME
  bool operator==(const StreamPacket&) const = default;
};

inline constexpr std::size_t kStreamPacketSize = 24;  // the rest of a datagram is padding

void encode(const StreamPacket& packet, std::span<std::uint8_t, kStreamPacketSize> out);

// Nothing if the bytes are too few or not of our stream.
std::optional<StreamPacket> decode_stream_packet(std::span<const std::uint8_t> bytes);

}  // namespace hasync::testbed
