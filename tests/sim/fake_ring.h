// FakeRing: Corosync and its process group, as bad as the real ones may be.
//
// Total order among those who are together, and nothing more: a sender may have its message before the
// others; when the ring changes it stands still first, then the remains of the old one are delivered, not the
// same everywhere and with holes (totem's transitional configuration: after a hole only what the members
// themselves have sent). Views of two joining parts may differ on the way. What a process had queued goes out
// in the new ring.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "hasyncd/wire/messages.h"
#include "tests/sim/schedule.h"

namespace hasync::sim {

class FakeRing {
 public:
  struct Callbacks {  // towards the process on a node; it may have died meanwhile
    std::function<void(NodeId, const std::vector<NodeId>&)> view;
    std::function<void(NodeId to, NodeId from, std::shared_ptr<const hasyncd::RingMessage>)> delivered;
    std::function<void(NodeId)> lost;
    std::function<void(NodeId, bool)> quorate;
  };
  FakeRing(Schedule& schedule, Random& random, std::vector<NodeId> nodes, Callbacks callbacks);

  void start(NodeId node);  // corosync
  void stop(NodeId node);
  bool is_up(NodeId node) const { return nodes_.at(node).up; }
  // Its process gets messages up to so much later than they are ordered.
  void slow(NodeId node, Duration most) { ways_[node] = most; }
  // The ring's link, both ways. There is no cut one way: Corosync's transport (knet) sends on a link only
  // while its pings are answered, so that goes down at both ends. What only one of them had until then is
  // among the remains of the old ring.
  void cut(NodeId a, NodeId b, bool cut);
  // No membership is being formed, and everybody has what was sent.
  bool at_rest() const;

  void join(NodeId node, Incarnation process);   // a process connects
  void leave(NodeId node, Incarnation process);  // it closed, or died
  void multicast(NodeId from, std::shared_ptr<const hasyncd::RingMessage> message);

 private:
  using Group = std::map<NodeId, Incarnation>;
  struct Item {
    NodeId from;
    std::shared_ptr<const hasyncd::RingMessage> message;  // none: a change of the group
    Incarnation joins{};
    Incarnation leaves{};
    Group view;
  };
  struct Ring {
    std::uint64_t number = 0;
    std::set<NodeId> members;
    std::vector<Item> log;
    Group group;  // at the log's end
    bool still = false;
  };
  struct Corosync {
    bool up = false;
    std::uint64_t start = 0;
    std::shared_ptr<Ring> ring;
    std::size_t position = 0;  // in the ring's log
    std::deque<Item> queue;    // handed over by the process, not ordered yet
    Instant last_delivery{};
    std::optional<Incarnation> client;
    bool joined = false;  // the client has had its own join delivered
    Group view;
  };

  void submit(NodeId node, Item item);
  void order(NodeId node);
  void append(const std::shared_ptr<Ring>& ring, Item item);
  void next(NodeId node, std::uint64_t ring);
  void hand_over(NodeId node, const Item& item);
  void show(NodeId node, const Group& view);
  void disturb(const std::set<NodeId>& nodes);
  void reform();
  std::set<NodeId> component(NodeId node) const;
  std::vector<std::size_t> remains(const Ring& old, const std::set<NodeId>& together);
  void replace(const std::set<NodeId>& members);
  void move_in(NodeId node, const std::shared_ptr<Ring>& ring, std::vector<Item> left, Instant when);

  Schedule& schedule_;
  Random& random_;
  Callbacks callbacks_;
  std::map<NodeId, Corosync> nodes_;
  std::map<NodeId, Duration> ways_;  // longest, from being ordered to being delivered
  std::set<std::pair<NodeId, NodeId>> cuts_;
  std::uint64_t rings_ = 0;
  std::uint64_t starts_ = 0;
  bool reform_planned_ = false;
};

}  // namespace hasync::sim
