// Inner packets with right checksums, and a judge of them that shares no code with vped: for its tests.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "vped/inner.h"

namespace hasync::vped::test {

struct TcpOptions {
  bool v4 = true;
  std::uint16_t port = 1000;  // of the sender
  std::uint32_t sequence = 1;
  std::uint8_t flags = 0x10;  // ACK
  std::uint16_t id = 7;       // IPv4
  bool may_be_cut = false;
  std::uint8_t dscp = 0;
  std::string_view source, destination;  // empty: 10.1.0.1 and 10.2.0.1, fd00:1::1 and fd00:2::1
};
// With the 12 bytes of a time stamp; payload byte i is that of the stream at sequence + i.
Bytes tcp(std::size_t payload, const TcpOptions& options = {});
Bytes udp(std::size_t payload, const TcpOptions& options = {});
std::uint8_t stream_byte(std::uint32_t sequence);

inline constexpr std::size_t kTcpHeaders4 = 20 + 32, kTcpHeaders6 = 40 + 32;

// Lengths and checksums, byte by byte as the standards have them.
bool is_right(BytesView packet);

Inner inner_of(BytesView packet);  // it must be one

}  // namespace hasync::vped::test
