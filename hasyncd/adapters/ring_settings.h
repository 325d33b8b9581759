// What the running corosync was configured with (its cmap). Read once, when hasyncd starts.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

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

Result<RingSettings> read_ring_settings();

}  // namespace hasync::hasyncd
