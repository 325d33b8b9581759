// Random ring messages and heartbeats within the decoder's bounds, for property tests and the fuzz corpus.
#pragma once

#include <random>

#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

class RingRandom {
 public:
  explicit RingRandom(std::uint64_t seed) : engine_(seed) {}

  RingMessage message();
  Heartbeat heartbeat();
  Aside aside();
  std::uint64_t number() { return engine_() >> (engine_() % 64); }  // small ones as often as big ones
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }

 private:
  bool coin() { return below(2) == 0; }
  NodeId node() { return NodeId{static_cast<std::uint32_t>(1 + below(20))}; }
  std::uint64_t nonzero() { return number() | 1; }
  Process process() { return {node(), Incarnation{number()}}; }
  Address address();
  OutboundKey key();
  SaId sa() { return {nonzero(), nonzero()}; }
  Delta delta();
  std::vector<Lease> leases();
  std::vector<VpeTaken> vpe();
  Propose propose();
  Sync sync();
  Entry entry();
  Snapshot snapshot();
  AboutCharon charon();
  Windows windows();

  std::mt19937_64 engine_;
};

}  // namespace hasync::hasyncd
