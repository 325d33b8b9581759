// TCP's header (RFC 9293, section 3.1) and the lengths in the IP header before it.
#pragma once

#include <cstdint>

#include "vpe/big_endian.h"
#include "vped/checksum.h"
#include "vped/inner.h"

namespace hasync::vped {

inline constexpr std::size_t kTcpHeader = 20;  // without options
inline constexpr std::size_t kTcpSequence = 4, kTcpAcknowledged = 8, kTcpFlags = 13, kTcpWindow = 14,
                             kTcpChecksum = 16;  // where they stand
inline constexpr std::uint8_t kTcpFin = 0x01, kTcpPush = 0x08, kTcpAck = 0x10, kTcpCwr = 0x80;

inline std::size_t tcp_header_size(const std::uint8_t* tcp) {
  return static_cast<std::size_t>(tcp[12] >> 4) * 4;
}

// IPv6's length does not count its own header.
inline void set_ip_size(std::uint8_t* ip, const Inner& inner, std::size_t size) {
  vpe::put_big_endian(ip + (inner.v4 ? 2 : 4), static_cast<std::uint16_t>(inner.v4 ? size : size - 40));
}

// IPv4 only.
inline void complete_ip_checksum(std::uint8_t* ip, const Inner& inner) {
  store(ip + 10, 0);
  store(ip + 10, checksum_of(add_up({ip, inner.header})));
}

}  // namespace hasync::vped
