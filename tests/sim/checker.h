// What must never happen (design.md, section 3), judged by what left the nodes and by what later owners know.
//
// I1: no number of one key leaves twice. I2: once packets of a new owner's reign have left, none of an
// earlier reign do; of two gateways that may both own, this holds within each lineage (a state that began
// empty, and all that follows from it), and no key is of two lineages. I3: nothing leaves later than the
// fence after the send time of the newest heartbeat that a majority has acknowledged. I7: what was stable at
// an owner, and what a peer was told, is known to every later owner of that lineage. I5: an owner accepts no
// more packets a second time than it has stated. I4: of one IKE_SA no message leaves under an ID that one
// with other content has left under, whoever says it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "hasyncd/log/replica.h"
#include "tests/sim/fake_vped.h"
#include "tests/sim/name_set.h"

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
    bool excused = false;     // its clock stood still just now: I2 is not promised
  };
  void left(const Packet& packet);
  // A vped sends under this key as this place from now on, and begins with the first number.
  void sends(NodeId node, std::uint32_t key_id, vpe::Place place);
  // Those whose fence is open now, if there are several of them. Where two may own they are of different
  // lineages.
  void open_together(const std::vector<NodeId>& nodes);

  // A packet of a peer's was accepted. `stated`: how many this reign may accept again; none: not known.
  // `most`: the same, at its highest in this reign.
  struct Arrival {
    NodeId node;
    std::uint32_t key_id = 0;
    std::uint64_t number = 0;
    std::uint64_t reign = 0;
    std::optional<std::uint64_t> stated;
    std::optional<std::uint64_t> most;
    bool excused = false;
  };
  void accepted(const Arrival& arrival);
  bool was_accepted(std::uint32_t key_id, std::uint64_t number) const {
    return accepted_.contains((std::uint64_t{key_id} << 40U) | number);
  }
  std::uint64_t replays() const { return replays_; }
  // Likewise under VPE. `open`: this owner says that something is.
  void accepted(NodeId node, const VpePacket& packet, bool open);
  // An IKE message left: the response to the peer's request of this ID, or the request of this ID.
  enum class Says { Response, Request };
  void said(NodeId node, SaId sa, Says what, std::uint32_t id, std::uint64_t content);
  // By one that does not know that it owns no more: what is taken elsewhere of it is not a replay.
  void taken_aside(const VpePacket& packet) { vpe_aside_.insert(packet.name()); }
  bool was_accepted(const VpePacket& packet) const { return vpe_accepted_.contains(packet.name()); }

  // The owner's state is stable up to its end.
  void stable(NodeId node, const hasyncd::Replica& replica);
  void became_owner(NodeId node, const hasyncd::Replica& replica);
  // In the log.
  void holds(const IkeSa& sa);
  // The log had this key in a younger IKE_SA than this one.
  bool taken_from(SaId sa, std::uint32_t key_id) const;
  // A peer was told of this change, or that its IKE_SA has ended.
  void told(Epoch lineage, SaId sa, std::uint64_t change);
  void told_ended(Epoch lineage, SaId sa) { lineages_[lineage].told_ended.insert(sa); }
  Epoch lineage_of(NodeId node) const {
    const auto begun = lineages_of_.find(node);
    return begun == lineages_of_.end() ? Epoch{} : begun->second;
  }
  // An owner's charon has ended this: from here on nobody has to know it.
  void ended(SaId sa) { ended_.insert(sa); }

  // `by` itself gives this back to whom it honours; somebody has passed it on.
  void honours(hasyncd::Process by, const hasyncd::Ack& ack);
  void passed_on(hasyncd::Process by, const hasyncd::Ack& ack);

  void fail(std::string what) {
    if (!failure_) failure_ = std::move(what);
  }
  const std::optional<std::string>& failure() const { return failure_; }
  std::uint64_t packets() const { return used_.size(); }
  // When this key's last packet left.
  Instant last_left(std::uint32_t key_id) const;
  void note_time(Instant world) { world_ = world; }
  // Who acknowledged in an epoch. The state may be lost when all who did so in the newest have died.
  void confirmed(hasyncd::Process process, Epoch epoch) { confirmed_[epoch].insert(process); }
  void died(hasyncd::Process process);
  void installed(const hasyncd::Install& install);
  void goes_on(NodeId node, Epoch state) { lineages_of_[node] = lineages_by_.at(state); }
  // The operator has said so: the next epoch that does is no loss.
  void may_begin_empty() { may_begin_empty_ = true; }
  // two_node = available: both gateways may own, and the state of one of them is given up when they meet.
  void two_may_own() { two_may_own_ = true; }

 private:
  // What is known of a state that began empty in one epoch, and of all that follows from it.
  struct Lineage {
    std::uint64_t reign = 0;
    std::map<SaId, std::uint64_t> stable;  // newest change that was stable
    std::map<SaId, std::uint64_t> told;    // newest change that a peer was told of
    std::set<SaId> told_ended;
    Epoch newest;  // in which that was judged
  };
  Lineage& of(NodeId node) { return lineages_[lineages_of_[node]]; }
  void began_empty(Epoch epoch);
  void know(NodeId node, const hasyncd::Replica& replica, const std::map<SaId, std::uint64_t>& changes);

  Instant world_{};
  std::optional<std::string> failure_;
  NameSet used_;
  std::set<std::pair<std::uint32_t, vpe::Place>> places_;
  NameSet accepted_;
  NameSet vpe_accepted_, vpe_aside_;
  std::map<std::uint64_t, std::uint64_t> again_;  // accepted once more, by reign
  std::uint64_t replays_ = 0;
  std::map<std::uint32_t, Instant> left_at_;
  std::map<std::uint32_t, SaId> holders_;  // of each key, the youngest
  std::map<Epoch, std::set<hasyncd::Process>> confirmed_;
  std::map<std::pair<hasyncd::Process, hasyncd::Process>, std::uint64_t> honours_;
  std::map<Epoch, Lineage> lineages_;       // by the epoch in which each began
  std::map<NodeId, Epoch> lineages_of_;     // of each node's state
  std::map<Epoch, Epoch> lineages_by_;      // of each epoch
  std::map<std::uint32_t, Epoch> used_by_;  // of each key
  bool two_may_own_ = false;
  bool may_begin_empty_ = false;
  std::map<std::tuple<SaId, Says, std::uint32_t>, std::uint64_t> said_;
  std::map<SaId, std::uint64_t> lost_;  // what was stable or told when the state began empty
  std::set<SaId> ended_;
};

}  // namespace hasync::sim
