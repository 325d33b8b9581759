// Sabotage: breaks one promise of a whole cluster on purpose, to see that the checker notices.
//
// It stands between the production Node and the simulated world and alters what the Node is told or what it
// asks for, as the mistake in question would. The Node itself knows nothing of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hasyncd/node/node.h"

namespace hasync::sim {

class Machine;

class Sabotage {
 public:
  Sabotage() = default;
  Sabotage(const Sabotage&) = delete;
  Sabotage& operator=(const Sabotage&) = delete;
  virtual ~Sabotage() = default;

  // Before the Node has it.
  virtual void hears(Machine&, hasyncd::Heartbeat&) {}
  virtual void delivered(Machine&, NodeId /*from*/, const hasyncd::RingMessage&) {}
  // Before it is carried out. False: it is not.
  virtual bool does(Machine&, hasyncd::Action&) { return true; }
  // charon has told of a change, and waits for the commitment before it answers its peer.
  virtual void reported(Machine&, std::uint64_t /*report*/) {}
  // The gate asks for a number's limits only.
  virtual bool gate_lets_repeats() { return false; }
  // A peer has gone on in fresh windows, and nothing older is taken.
  virtual void answered(Machine&, EspSpi /*inbound*/) {}
  // After each event of the Node.
  virtual void then(Machine&) {}
};

// Null: there is none of that name.
std::unique_ptr<Sabotage> sabotage(const std::string& name);
std::vector<std::string> sabotage_names();
// Whether this failure is of the kind that the sabotage must show itself by.
bool breaks(const std::string& name, const std::string& failure);

}  // namespace hasync::sim
