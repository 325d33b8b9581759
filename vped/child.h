// A CHILD_SA that both ends have agreed to be VPE, as charon's plugin tells of it
// (docs/decisions/0012-vpe-keys.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "base/secret.h"
#include "vped/prefix.h"

namespace hasync::vped {

struct Child {
  SaId ike_sa;
  std::string connection, name;
  std::uint32_t reqid = 0;  // of CHILD_SAs that replace each other
  EspSpi in, out;
  Address peer;  // where the peer's vped receives
  std::uint16_t peer_port = 0;
  std::vector<Prefix> local, remote;
  bool pending = false;                           // the peer may not have it yet
  std::optional<std::chrono::seconds> delete_in;  // none: no such limit
  bool operator==(const Child&) const = default;
};

// What this vped sends as under one CHILD_SA's keys: bits of the WindowID that are nobody else's.
struct Share {
  std::optional<std::uint8_t> node;  // none: the configuration's
  std::uint32_t incarnation = 0;     // may be beyond the budget
  bool operator==(const Share&) const = default;
};

// A CHILD_SA and its keys as KEYMAT has them (RFC 7296, section 2.17), with the salt.
struct ToldChild {
  Child child;
  bool of_cluster = false;     // whose log gives shares out; else the plugin does, each once
  std::optional<Share> share;  // none: it is only received on, until it is told again
  Secret out, in;
};

}  // namespace hasync::vped
