// NodeSettings: what a Node is told once, at its start.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hasyncd/fence/permission.h"
#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

struct NodeSettings {
  Process self;
  bool gateway = false;
  bool blank = false;              // no memory of epochs on disk
  std::vector<NodeId> configured;  // every member of the cluster
  FenceSettings fence;
  Duration heartbeat = std::chrono::milliseconds{20};
  Duration evict_after = std::chrono::milliseconds{150};
  std::uint64_t lease = 65536;
  Duration rekey_after_takeover{};  // spread over this; 0: no rekey
  // Of two gateways: the other is taken to be off when it has been silent for so long. None: never.
  std::optional<Duration> silence_says_dead;
};

}  // namespace hasync::hasyncd
