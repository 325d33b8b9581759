// What the running corosync was configured with (its cmap), and whether hasyncd can work with that.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/ids.h"
#include "hasyncd/config.h"

namespace hasync::hasyncd {

struct RingSettings {
  NodeId local;
  std::vector<NodeId> nodes;  // of the nodelist, ascending
  std::string cluster_name;
  std::string transport;  // "knet", "udpu", "udp"
  std::string cipher;     // "none", "aes256", ...
  bool votequorum = false;
  std::chrono::milliseconds token{};      // as in effect, the coefficient included
  std::chrono::milliseconds consensus{};  // as in effect

  bool is_encrypted() const { return transport == "knet" && cipher != "none"; }  // only knet encrypts
  // Corosync gives up on a silent node after this (measured: less up to 10 %).
  std::chrono::milliseconds detection() const { return token + consensus; }
};

struct RingCheck {
  std::vector<std::string> errors;  // hasyncd must not run
  std::vector<std::string> warnings;
};

RingCheck check_ring(const RingSettings& ring, const Config& config);

}  // namespace hasync::hasyncd
