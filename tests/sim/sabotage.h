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
  // Packets go on while charon moves an SA, and take numbers that come again.
  virtual bool moves_repeat() { return true; }
  // A peer has gone on in fresh windows, and nothing older is taken.
  virtual void answered(Machine&, EspSpi /*inbound*/) {}
  // After each event of the Node.
  virtual void then(Machine&) {}
};

// Null: there is none of that name.
std::unique_ptr<Sabotage> sabotage(const std::string& name);
// What this one takes for granted besides what it breaks, by name: that alone must not be noticed. Empty:
// nothing.
std::string premise_of(const std::string& name);
std::vector<std::string> sabotage_names();
// Without those that are premises only.
std::vector<std::string> mutations();
// Whether this failure is of the kind that the sabotage must show itself by. Of a premise: any.
bool breaks(const std::string& name, const std::string& failure);

}  // namespace hasync::sim
