// What all machines of one simulated cluster share.
#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "hasyncd/node/node.h"
#include "tests/sim/checker.h"
#include "tests/sim/fake_ring.h"
#include "tests/sim/sabotage.h"
#include "tests/sim/schedule.h"

namespace hasync::sim {

// What all machines together had let in when an owner counted.
struct Count {
  Instant at{};
  std::uint64_t let_in = 0;
};

struct World {
  explicit World(std::uint64_t seed)
      : random(seed), vpe_random(~seed), message_random(~seed / 2), put_random(~seed / 43) {}

  Random random;
  Schedule schedule;
  Checker checker;
  std::unique_ptr<FakeRing> ring;
  std::function<void(NodeId from, const hasyncd::Heartbeat&)> heartbeat;
  std::unique_ptr<Sabotage> sabotage;  // null: none
  hasyncd::NodeSettings settings;      // of every node, but for who it is
  bool verbose = false;
  std::uint64_t reigns = 0;
  std::uint64_t changes = 0;  // of IKE_SAs
  std::uint64_t incarnations = 0;
  std::uint64_t sessions = 0;  // of vpeds
  std::uint32_t keys = 0;
  std::uint64_t let_in = 0;  // packets of peers, by all machines
  // By who counted, and when by its clock.
  std::map<std::pair<hasyncd::Process, std::uint64_t>, Count> counts;
  NodeId holder;                                // whom packets for the shared address reach
  std::map<std::uint32_t, std::uint64_t> sent;  // by peers: the last number of each key

  // Of VPE's reception, apart from all else: what others draw does not depend on it.
  Random vpe_random;
  struct VpePeer {
    std::uint8_t incarnation = 0;
    std::map<std::uint8_t, std::uint64_t> sent;  // the last number of each
  };
  std::map<std::uint32_t, VpePeer> vpe_peers;  // by key

  // Of IKE messages, likewise.
  Random message_random;
  struct IkePeer {
    std::uint32_t asked = 0;  // its requests that were answered; the next one has this ID
    bool waits = false;       // for the answer to that one
    std::uint32_t heard = 0;  // requests that have come to it
  };
  std::map<SaId, IkePeer> ike_peers;
  std::uint64_t contents = 0;  // of messages

  // Of PUTs that charon refuses, likewise: so many in a hundred, until all is healed. Drawn so that it does
  // in none of the seeds that are tests by their names.
  Random put_random;
  double refused = 0;

  void tell(NodeId node, const std::string& what) const;
  // What happens often is put into words only where they are read.
  void tell(NodeId node, const std::invocable auto& what) const {
    if (verbose) tell(node, what());
  }
  bool of_two() const { return settings.configured.size() == 2; }
  Duration some(Duration low, Duration high) { return random.between(low, high); }
};

}  // namespace hasync::sim
