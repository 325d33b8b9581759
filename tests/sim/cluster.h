// A cluster of simulated machines, what goes wrong with it, and whether it settles afterwards. The same seed
// gives the same story.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/machine.h"

namespace hasync::sim {

struct Verdict {
  std::uint64_t seed = 0;
  std::optional<std::string> failure;
  Instant at{};
  std::uint64_t packets = 0;
  std::uint64_t takeovers = 0;
  Duration settled{};  // after the last fault was healed
};

class Cluster {
 public:
  // Any; only two gateways without a witness, two_node = safe; the same, two_node = available.
  enum class Kind { Any, TwoSafe, TwoAvailable };
  Cluster(std::uint64_t seed, const std::string& mutation, bool verbose, Kind kind = Kind::Any);
  Verdict run();

 private:
  void build(Kind kind);
  void power_off(Machine& off);
  void restart_vped(Machine& m);
  bool run_until(Instant end);
  void carry(NodeId from, const hasyncd::Heartbeat& heartbeat);
  void traffic();
  void ike();
  void fault();
  void strike(Machine& machine);
  void strike_process(Machine& machine);
  void strike_machine(Machine& machine);
  void stand_still(Machine& machine);
  void starve(Machine& machine, int times);
  void strike_network();
  void cut_off(NodeId one, bool ring, bool heartbeats, Duration time);
  void leave_behind(NodeId one);
  void cut_off_unawares(NodeId late);
  std::pair<NodeId, NodeId> two_nodes();
  void heal();
  void leave_cut();
  void cut_heartbeats(NodeId from, NodeId to, Duration time);
  Machine& machine(NodeId id);
  void tell_state() const;
  std::string unsettled() const;  // empty: everything is as it should be
  std::string unsettled_node(const Machine& machine, const hasyncd::Node& first) const;
  std::string unsettled_contexts(const Machine& owner) const;
  std::string silent_vpeds(const IkeSa& sa) const;
  std::string silent_keys(const Machine& owner, Instant since) const;

  std::uint64_t seed_;
  World world_;
  std::vector<std::unique_ptr<Machine>> machines_;
  bool quiet_ = false;  // no faults and no IKE any more
  double loss_ = 0;
  Duration slow_{};
  std::set<std::pair<NodeId, NodeId>> deaf_;  // from, to: heartbeats are lost
  // Of heartbeats again, but not healed: the cluster must live with it, if need be without one node.
  std::set<std::pair<NodeId, NodeId>> stays_cut_;
  NodeId apart_;  // kNobody: everybody takes part
};

}  // namespace hasync::sim
