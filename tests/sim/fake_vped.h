// One run of a vped on a simulated machine: which shares it has, as vped/child_table.h keeps them.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "vpe/window_id.h"

namespace hasync::sim {

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
  void gone(std::uint32_t key_id) {
    if (sends.erase(key_id) != 0) used.insert(key_id);
  }
};

}  // namespace hasync::sim
