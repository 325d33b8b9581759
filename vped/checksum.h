// The internet's checksum (RFC 1071), in the machine's byte order: what is stored is right in any.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "vped/inner.h"

namespace hasync::vped {

// Added to `sum`, not folded. Every part but the last one has an even size.
std::uint64_t add_up(BytesView bytes, std::uint64_t sum = 0);

// Folded to 16 bits, not complemented.
inline std::uint16_t folded(std::uint64_t sum) {
  sum = (sum & 0xffffffffU) + (sum >> 32);
  sum = (sum & 0xffffffffU) + (sum >> 32);
  sum = (sum & 0xffffU) + (sum >> 16);
  sum = (sum & 0xffffU) + (sum >> 16);
  sum = (sum & 0xffffU) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}
inline std::uint16_t checksum_of(std::uint64_t sum) {
  return static_cast<std::uint16_t>(~folded(sum));
}
inline void store(std::uint8_t* at, std::uint16_t checksum) {
  std::memcpy(at, &checksum, sizeof(checksum));
}

// TCP's and UDP's pseudo header (RFC 9293, section 3.1; RFC 8200, section 8.1) of the IP packet at `ip`, with
// `size` bytes of segment.
std::uint64_t pseudo_header(const std::uint8_t* ip, bool v4, std::uint8_t protocol, std::size_t size);

}  // namespace hasync::vped
