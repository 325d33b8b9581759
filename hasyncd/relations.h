// Relations: what must hold between heartbeat, fence, detection, drift, leases and output commit, as one
// table (docs/timing.md).
//
// Pure: times in, verdicts out. Those of the configuration alone are judged when it is read, those with
// Corosync's times when Corosync answers; false ones are refused, all of them at once. What holds is shown
// with its margin.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hasyncd/config.h"

namespace hasync::hasyncd {

// Corosync's, as in effect.
struct RingTimes {
  std::chrono::milliseconds token{};
  std::chrono::milliseconds token_retransmit{};
  std::chrono::milliseconds consensus{};
  // Corosync gives up on a silent node after this (measured: less up to 10 %).
  std::chrono::milliseconds detection() const { return token + consensus; }
};

struct Rule {
  using Keys = std::array<const char*, 2>;

  const char* name;   // stable: `haipsec status --json`
  const char* table;  // key of the configuration that it is about; empty: Corosync's
  const char* key;
  const char* what;
  const char* unit;
  bool ring;          // needs Corosync's times
  bool must;          // refused when false; else told of
  const char* limit;  // in words, and why
  std::int64_t (*value_of)(const Config&, const RingTimes&);
  std::int64_t (*least_of)(const Config&, const RingTimes&);
  Keys least_from{};       // keys that the least is made of; only of those that need no ring
  bool available = false;  // only with two_node = available
};

struct Relation {
  const Rule* rule;
  std::int64_t value = 0;
  std::int64_t least = 0;

  bool holds() const { return value >= least; }
  std::int64_t margin() const { return value - least; }
};

// Those that concern this configuration; without a ring: those that need none.
std::vector<Relation> relations(const Config& config, const std::optional<RingTimes>& ring);

// "lease.size: 4096 numbers must be at least 18000 numbers: ..."
std::string complaint(const Relation& relation);

// How long the log may stand still although the owner is well: another node dies, hangs or goes deaf, until
// an epoch without it is installed, in the second round of promises if the first was without result.
std::chrono::milliseconds standstill(const Config& config, const RingTimes& ring);

}  // namespace hasync::hasyncd
