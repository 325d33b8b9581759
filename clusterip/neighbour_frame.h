// The frame by which a node tells an IPv6 link that an address is at its MAC now. Pure bytes.
// RFC 4861, section 4.4 (neighbour advertisement) and section 7.2.6 (unsolicited ones).
#pragma once

#include <array>
#include <cstdint>

#include "base/address.h"
#include "clusterip/arp_frame.h"

namespace hasync::clusterip {

using AdvertisementFrame = std::array<std::uint8_t, 86>;

// `address` must be IPv6; sent to all nodes of the link, to override what they know. The sender is a router,
// as every gateway is: hosts would else forget it as theirs (RFC 4861, section 7.2.5).
AdvertisementFrame unsolicited_advertisement(const Mac& sender, const Address& address);

}  // namespace hasync::clusterip
