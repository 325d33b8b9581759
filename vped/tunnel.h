// One tunnel, as all workers see it: what goes in, what may come out (RFC 4301, section 4.4.1), and where to.
// Where keys come from CHILD_SAs, each CHILD_SA is one: a rekey adds a tunnel and later takes the old one
// away. A group of senders that share one key is one, too.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "vpe/packet.h"
#include "vped/prefix.h"

namespace hasync::vped {

struct Tunnel {
  std::string name;
  Address peer;  // of a group: the multicast address
  std::uint16_t peer_port = 0;
  EspSpi spi_out, spi_in;
  vpe::SenderId sender = vpe::kUnicast;                      // own
  std::optional<vpe::SenderId> peer_sender = vpe::kUnicast;  // the only one that is taken; none: a group
  std::vector<Prefix> local, remote;                         // of a group: sources, destinations
  bool sends = true;  // no: what arrives is still opened, but another one sends, or this one is gone
  bool is_group() const { return !peer_sender; }
  bool operator==(const Tunnel&) const = default;
};

// Which tunnel an inner packet belongs to: that with the longest remote prefix which also has its source.
class Routes {
 public:
  explicit Routes(std::span<const Tunnel> tunnels);
  // Index of the tunnel; nothing: no tunnel is for it.
  std::optional<std::size_t> find(const Address& source, const Address& destination) const;
  // Of a group: the packet is ours and came back, or somebody else has our SenderID.
  bool is_own(std::size_t tunnel, vpe::SenderId sender) const;
  // Whether this tunnel may deliver such a packet.
  bool may_come(std::size_t tunnel, const Address& source, const Address& destination) const;

 private:
  struct Route {
    Prefix remote;
    std::size_t tunnel = 0;
  };
  std::span<const Tunnel> tunnels_;
  std::vector<Route> routes_;  // longest prefix first
};

}  // namespace hasync::vped
