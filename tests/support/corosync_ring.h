// Real corosync processes, each in a network and mount namespace of its own, joined by a bridge in a
// namespace that this process moves into. Everything vanishes with the process. Needs root and the corosync
// package.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace hasync::test {

class CorosyncRing {
 public:
  // Before the node's id: its addresses.
  static constexpr const char* kIpv4 = "10.77.0.";
  static constexpr const char* kIpv6 = "2001:db8:77::";
  // Nodes have the ids 1 to `nodes`. An error says what this machine lacks.
  static Result<CorosyncRing> start(int nodes);
  static Result<CorosyncRing> start_ipv6(int nodes);
  // With this corosync.conf, for the same ids and addresses; only key, log and private folders are changed.
  static Result<CorosyncRing> start(int nodes, const std::string& conf);
  CorosyncRing(CorosyncRing&& other) noexcept = default;
  ~CorosyncRing();

  // Runs `action` inside the namespaces of `node`, where a client of its corosync must be while it connects.
  void inside(int node, const std::function<void()>& action) const;
  void kill(int node);       // SIGKILL, and waits for its end
  Status restart(int node);  // after kill()
  void signal(int node, int number) const;
  std::string log() const;  // what all corosync processes logged, for failures

 private:
  struct Node {
    pid_t holder = -1;    // keeps the namespaces
    pid_t corosync = -1;  // -1: killed
  };
  CorosyncRing() = default;
  Status make_node(int node);
  Status launch(int node);
  std::filesystem::path folder_;
  std::vector<Node> nodes_;
};

}  // namespace hasync::test
