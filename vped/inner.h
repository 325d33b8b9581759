// What the gateway reads of an inner packet's IP header (RFC 791, RFC 8200).
#pragma once

#include <optional>

#include "base/address.h"
#include "base/bytes.h"

namespace hasync::vped {

inline constexpr std::uint8_t kTcp = 6, kUdp = 17, kIcmp = 1, kIcmp6 = 58;

struct Inner {
  Address source, destination;
  std::size_t size = 0;       // by its own length field; not beyond what was looked at
  std::size_t header = 0;     // IPv4: with options; IPv6: 40, extension headers are not followed
  std::uint8_t protocol = 0;  // IPv6: the next header
  std::uint8_t dscp = 0;
  bool v4 = true;
  bool may_be_cut = false;  // IPv4 without DF
  bool first = true;        // not a later fragment
  bool whole = true;        // no fragment at all
};

// Nothing: it is not an IP packet of such a length.
std::optional<Inner> look_at(BytesView packet);

}  // namespace hasync::vped
