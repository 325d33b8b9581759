// What `haipsec check` has seen, as plain values: of this machine, and of the cluster as its hasyncd tells.
// An Error stands where something could not be looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "ctx-transfer/adapters/charon_client.h"
#include "hasyncd/config.h"
#include "hasyncd/ring_settings.h"
#include "hasyncd/surroundings.h"

namespace hasync::haipsec {

// Corosync got no processor when it should have.
struct MissedTurn {
  std::int64_t seconds_ago = 0;
  double delay_ms = 0;
};

struct Route {
  Address network;
  unsigned prefix = 0;  // of 128: those of IPv4 are 96 longer than as written
  std::string interface;
};

struct Certificate {
  std::string file;
  std::string problem;  // empty: it can be read
  std::int64_t seconds_left = 0;
};

// What this machine does with packets of one family.
struct FamilyFact {
  bool esp = true;  // has it, as far as that can be known
  bool forwards = true;
};

// This machine. What only root can see is empty where `root` is false.
struct MachineFacts {
  bool root = false;
  hasyncd::ConfigOutcome config;
  Status key = Done{};
  std::optional<hasyncd::SocketFact> control;  // none: it is not there
  std::optional<hasyncd::SocketFact> charon_socket;
  Result<hasyncd::RingSettings> ring = Error{Errc::NotFound, "not asked"};
  std::vector<MissedTurn> missed_turns;
  bool charon_runs = false;  // its own control socket answers
  Result<ctx::CharonSetup> charon = Error{Errc::NotFound, "not asked"};
  Status kernel_xfrm = Done{};
  FamilyFact v4;
  FamilyFact v6;
  std::vector<Route> routes;
  std::vector<hasyncd::Disk> disks;
  std::vector<Certificate> certificates;
};

// A member, as the asked hasyncd sees it, and as it says itself.
struct MemberFact {
  std::string name;
  std::string role;
  bool self = false;
  bool in_ring = false;
  bool in_epoch = false;
  bool owner = false;
  bool ready = false;
  std::uint64_t refused = 0;  // contexts, by its charon
  bool speaks_newer = false;
  bool answered = false;
  std::string version;
  std::int64_t clock_ahead_ms = 0;
  std::int64_t clock_uncertain_ms = 0;
  std::optional<ctx::CharonSetup> charon;
};

struct StrangerFact {
  std::string address;
  std::string member;  // empty: nobody's
  std::uint64_t datagrams = 0;
};

struct ClusterFacts {
  std::string version;  // of hasyncd
  bool gateway = false;
  bool ring_connected = false;
  bool quorate = false;
  std::string state;
  std::int64_t fence_us = 0;         // its length
  std::int64_t least_margin_us = 0;  // 0: this node owns nothing
  std::uint64_t tunnels = 0;
  std::uint64_t unprotected = 0;
  std::uint64_t clock_steps = 0;
  std::vector<MemberFact> members;
  std::vector<StrangerFact> strangers;
  std::vector<std::string> interfaces;  // where packets are checked
  std::string gate_problem;
  std::uint64_t bypassed = 0;  // SAs whose gate stays closed
  std::string first_bypassed;
  std::vector<Address> peers;  // of the tunnels that there are
};

struct Facts {
  std::string version;  // of haipsec
  MachineFacts machine;
  Result<ClusterFacts> cluster = Error{Errc::NotFound, "not asked"};
};

}  // namespace hasync::haipsec
