// What vped says of itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vpe/packets.h"
#include "vpe/window_table.h"
#include "vped/counts.h"
#include "vped/tunnel.h"

namespace hasync::vped {

// Of an engine, or of several together.
struct Flow {
  std::uint64_t packets = 0, bytes = 0;
  std::array<std::uint64_t, vpe::kDrops> drops{};
  void add(const Flow& other) {
    packets += other.packets;
    bytes += other.bytes;
    for (std::size_t i = 0; i < drops.size(); ++i) drops[i] += other.drops[i];
  }
  void add(const vpe::Counters& counters) {
    packets += counters.packets.load(std::memory_order_relaxed);
    bytes += counters.bytes.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < drops.size(); ++i)
      drops[i] += counters.drops[i].load(std::memory_order_relaxed);
  }
};

// A tunnel, as far as no worker has its own idea of it.
struct KnownTunnel {
  Tunnel tunnel;
  std::optional<vpe::Place> place;  // of its sender; none: it is only received on
  std::string keys;  // where they come from: "file", or the CHILD_SA as "charon: CONNECTION/CHILD"
};

struct SendingWindow {
  vpe::WindowName name;
  std::uint64_t next = 0;  // number; 0: all are spent
};

struct TunnelStatus {
  Flow sent, received;
  std::size_t mtu = 0;
  std::vector<SendingWindow> sending;  // those that have sent
  std::vector<vpe::WindowState> receiving;
};

// Of one worker.
struct WorkerStatus {
  std::uint64_t read = 0, written = 0, received = 0, sent = 0, handed_over = 0, told_too_big = 0;
  std::array<std::uint64_t, kCauses> drops{};
  std::vector<TunnelStatus> tunnels;
};

struct Snapshot {
  std::string interface, cipher;
  std::uint8_t node = 0;
  std::optional<bool> charon;                       // whether it is connected; nothing: it has no part
  std::vector<std::optional<KnownTunnel>> tunnels;  // by place, as the workers have them
  std::vector<WorkerStatus> workers;
};

}  // namespace hasync::vped
