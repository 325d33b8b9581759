// Tells an inner host that its packet does not fit through the tunnel (RFC 1191, RFC 8201; RFC 4301, section
// 8.2). The answer comes from the address that the packet was for: one of the gateway's own would not be
// taken by its kernel from that side.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "vped/inner.h"

namespace hasync::vped {

// A packet for the inside. Nothing: this one must not be answered (it may be cut; it is an error itself, a
// later fragment or for many: RFC 1122, section 3.2.2, RFC 4443, section 2.4).
std::optional<Bytes> too_big(BytesView packet, const Inner& inner, std::size_t mtu);

}  // namespace hasync::vped
