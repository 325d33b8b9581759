// The frames by which a node tells a LAN that an address is at its MAC now (gratuitous ARP). Pure bytes.
// RFC 826; RFC 5227, section 2.3 (announcement: a request for one's own address); RFC 5944, section 4.6,
// names both forms, as some neighbours heed only one.
#pragma once

#include <array>
#include <cstdint>

#include "base/address.h"

namespace hasync::clusterip {

using Mac = std::array<std::uint8_t, 6>;
using ArpFrame = std::array<std::uint8_t, 60>;  // Ethernet's smallest, without its check sequence

enum class ArpForm : std::uint8_t { Request, Reply };

// `address` must be IPv4; sent to everybody on the link.
ArpFrame gratuitous_arp(ArpForm form, const Mac& sender, const Address& address);

}  // namespace hasync::clusterip
