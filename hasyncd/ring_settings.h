// What the running corosync was configured with (its cmap), and whether hasyncd can work with that.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "hasyncd/relations.h"

namespace hasync::hasyncd {

// quorum.device, and what votequorum here knows of its daemon, corosync-qdevice.
struct QuorumDevice {
  bool runs = false;     // has registered
  bool answers = false;  // in time
  bool votes = false;    // for this node, now

  const char* state() const;
};

struct RingSettings {
  NodeId local;
  std::vector<NodeId> nodes;  // of the nodelist, ascending
  std::string cluster_name;
  std::string transport;  // "knet", "udpu", "udp"
  std::string cipher;     // "none", "aes256", ...
  bool votequorum = false;
  std::optional<QuorumDevice> device;
  RingTimes times;  // the coefficient included

  bool is_encrypted() const { return transport == "knet" && cipher != "none"; }  // only knet encrypts
};

struct RingCheck {
  std::vector<std::string> errors;  // hasyncd must not run
  std::vector<std::string> warnings;
};

// Both of those below.
RingCheck check_ring(const RingSettings& ring, const Config& config);
RingCheck check_ring_itself(const RingSettings& ring, const Config& config);  // members, encryption, quorum
RingCheck check_times(const RingSettings& ring, const Config& config);        // relations.h

}  // namespace hasync::hasyncd
