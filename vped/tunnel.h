// One tunnel, as all workers see it: what goes in, what may come out (RFC 4301, section 4.4.1), and where to.
// Where keys come from CHILD_SAs, each CHILD_SA is one: a rekey adds a tunnel and later takes the old one
// away.
#pragma once

#include <cstdint>
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
  Address peer;
  std::uint16_t peer_port = 0;
  EspSpi spi_out, spi_in;
  vpe::SenderId sender = vpe::kUnicast;       // own
  vpe::SenderId peer_sender = vpe::kUnicast;  // the only one that is taken
  std::vector<Prefix> local, remote;
  bool sends = true;  // no: what arrives is still opened, but another one sends, or this one is gone
  bool operator==(const Tunnel&) const = default;
};

// Which tunnel an inner packet belongs to: that with the longest remote prefix which also has its source.
class Routes {
 public:
  explicit Routes(std::span<const Tunnel> tunnels);
  // Index of the tunnel; nothing: no tunnel is for it.
  std::optional<std::size_t> find(const Address& source, const Address& destination) const;
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
