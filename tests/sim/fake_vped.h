// One run of a vped on a simulated machine: which shares it has, as vped/child_table.h keeps them.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "tests/sim/model.h"
#include "vpe/window_id.h"

namespace hasync::sim {

// A packet of a peer's VPE, by its key. The peer is one node with one core and one class.
struct VpePacket {
  std::uint32_t key_id = 0;
  std::uint8_t incarnation = 0;
  std::uint64_t number = 0;
  // Of all, as one number: keys and packets of a run are few.
  std::uint64_t name() const {
    return std::uint64_t{key_id} << 40U | std::uint64_t{incarnation} << 32U | number;
  }
};

struct FakeVped {
  std::uint64_t session = 0;                  // with charon's plugin
  std::map<std::uint32_t, vpe::Place> sends;  // by key
  std::set<std::uint32_t> used;  // keys that were gone, and had a share of this session or before

  enum class Given { Taken, Kept, Used };
  Given give(std::uint32_t key_id, vpe::Place place) {
    if (sends.contains(key_id)) return Given::Kept;
    if (used.contains(key_id)) return Given::Used;
    sends.emplace(key_id, place);
    return Given::Taken;
  }
  // What has come under each key, as vpe/receiver.h keeps it.
  struct Received {
    std::uint8_t oldest = 0;  // incarnation that is not retired
    std::map<std::uint8_t, Window> windows;
  };
  std::map<std::uint32_t, Received> received;
  bool take(const VpePacket& packet) {
    Received& of = received[packet.key_id];
    return packet.incarnation >= of.oldest && of.windows[packet.incarnation].accept(packet.number);
  }

  void gone(std::uint32_t key_id) {
    received.erase(key_id);
    if (sends.erase(key_id) != 0) used.insert(key_id);
  }
};

}  // namespace hasync::sim
