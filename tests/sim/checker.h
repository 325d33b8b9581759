// What must never happen (design.md, section 3), judged by what left the nodes and by what later owners know.
//
// I1: no number of one key leaves twice. I2: once packets of a new owner's reign have left, none of an
// earlier reign do. I3: nothing leaves later than the fence after the send time of the newest heartbeat that
// a majority has acknowledged. I7: what was stable at an owner is known to every later owner.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>

#include "hasyncd/log/replica.h"
#include "tests/sim/model.h"

namespace hasync::sim {

class Checker {
 public:
  struct Packet {
    NodeId node;
    std::uint32_t key_id = 0;
    std::uint64_t number = 0;
    std::uint64_t reign = 0;  // counts up with every taking of the ownership
    Instant now{};            // the node's clock
    Instant allowed{};        // send time of its heartbeat that a majority acknowledged, and the fence
  };
  void left(const Packet& packet);

  // The owner's state is stable up to its end.
  void stable(const hasyncd::Replica& replica, const hasyncd::Install& members);
  void became_owner(NodeId node, const hasyncd::Replica& replica);
  // An owner's charon has ended these: nobody has to know them any more.
  void ended(SaId sa) { ended_.insert(sa); }

  void fail(std::string what) {
    if (!failure_) failure_ = std::move(what);
  }
  const std::optional<std::string>& failure() const { return failure_; }
  std::uint64_t packets() const { return used_.size(); }
  // When this key's last packet left.
  Instant last_left(std::uint32_t key_id) const;
  void note_time(Instant world) { world_ = world; }
  // A state may be lost when every process that held it has died.
  void born(hasyncd::Process process) { alive_.insert(process); }
  void died(hasyncd::Process process) { alive_.erase(process); }

 private:
  Instant world_{};
  std::optional<std::string> failure_;
  std::unordered_set<std::uint64_t> used_;
  std::uint64_t reign_ = 0;
  std::map<std::uint32_t, Instant> left_at_;
  struct Stable {
    std::uint64_t change = 0;            // newest that was stable
    std::set<hasyncd::Process> holders;  // everybody who acknowledged it
  };
  bool all_died(const Stable& stable) const;

  std::map<SaId, Stable> stable_;
  std::set<hasyncd::Process> alive_;
  std::set<SaId> ended_;
};

}  // namespace hasync::sim
