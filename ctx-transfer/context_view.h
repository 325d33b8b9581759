// What hasyncd needs to know of a context to lease its numbers and show it: no keys. The context itself stays opaque
// bytes. Addresses and numbers in host form, see base/.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/ids.h"

namespace hasync::ctx {

struct ChildView {
  std::string name;  // in the IKE daemon's configuration
  EspSpi inbound_spi;
  EspSpi outbound_spi;
  bool esn = false;
  std::uint64_t outbound_number = 0;  // last number used
  std::uint64_t inbound_top = 0;      // highest number accepted
  bool installed = false;             // false: replaced by a rekey, not deleted yet
  OutboundKey outbound;               // as the kernel finds its outbound SA
  bool operator==(const ChildView&) const = default;
};

struct ContextView {
  SaId id;
  std::string connection;  // name in the IKE daemon's configuration
  std::string peer_id;     // the authenticated identity (EAP, if there is one), printable
  Address local;
  Address peer;
  std::uint16_t local_port = 0;
  std::uint16_t peer_port = 0;
  bool closing = false;  // only its deletion is left to do
  std::chrono::seconds established_ago{0};
  std::vector<ChildView> children;
  bool operator==(const ContextView&) const = default;
};

}  // namespace hasync::ctx
