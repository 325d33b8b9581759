#include "tests/sim/fake_ring.h"

#include <algorithm>

namespace hasync::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

std::vector<NodeId> nodes_of(const std::map<NodeId, Incarnation>& group) {
  std::vector<NodeId> out;
  for (const auto& [node, process] : group) out.push_back(node);
  return out;
}

}  // namespace

FakeRing::FakeRing(Schedule& schedule, Random& random, std::vector<NodeId> nodes, Callbacks callbacks)
    : schedule_(schedule), random_(random), callbacks_(std::move(callbacks)) {
  for (const NodeId node : nodes) {
    nodes_.try_emplace(node);
    slow(node, milliseconds{1});
  }
}

void FakeRing::start(NodeId node) {
  Corosync& corosync = nodes_.at(node);
  if (corosync.up) return;
  corosync = {};
  corosync.up = true;
  corosync.start = ++starts_;
  disturb({});
}

void FakeRing::stop(NodeId node) {
  Corosync& corosync = nodes_.at(node);
  if (!corosync.up) return;
  const bool connected = corosync.client.has_value();
  const std::set<NodeId> members = corosync.ring ? corosync.ring->members : std::set<NodeId>{};
  corosync = {};
  disturb(members);
  if (connected) callbacks_.lost(node);
}

void FakeRing::cut(NodeId a, NodeId b, bool cut) {
  const auto link = std::minmax(a, b);
  const bool changed = cut ? cuts_.insert(link).second : cuts_.erase(link) != 0;
  if (!changed) return;
  const auto& ring = nodes_.at(a).ring;
  const bool together = ring && ring->members.contains(b);
  disturb(together ? ring->members : std::set<NodeId>{});
}

bool FakeRing::at_rest() const {
  return !reform_planned_ && std::ranges::all_of(nodes_, [this](const auto& node) {
    const Corosync& corosync = node.second;
    return corosync.ring && !corosync.ring->still && corosync.queue.empty() &&
           corosync.last_delivery <= schedule_.now();
  });
}

void FakeRing::join(NodeId node, Incarnation process) {
  Corosync& corosync = nodes_.at(node);
  if (!corosync.up) return;
  corosync.client = process;
  corosync.joined = false;
  corosync.view.clear();
  submit(node, {.from = node, .message = nullptr, .joins = process});
  if (corosync.ring) callbacks_.quorate(node, corosync.ring->members.size() > nodes_.size() / 2);
}

void FakeRing::leave(NodeId node, Incarnation process) {
  Corosync& corosync = nodes_.at(node);
  if (!corosync.up || corosync.client != process) return;
  corosync.client.reset();
  corosync.joined = false;
  submit(node, {.from = node, .message = nullptr, .leaves = process});
}

void FakeRing::multicast(NodeId from, std::shared_ptr<const hasyncd::RingMessage> message) {
  if (nodes_.at(from).client) submit(from, {.from = from, .message = std::move(message)});
}

void FakeRing::submit(NodeId node, Item item) {
  nodes_.at(node).queue.push_back(std::move(item));
  schedule_.after(random_.between(microseconds{50}, microseconds{900}), [this, node] { order(node); });
}

void FakeRing::order(NodeId node) {
  Corosync& corosync = nodes_.at(node);
  if (!corosync.ring || corosync.ring->still || corosync.queue.empty()) return;
  Item item = std::move(corosync.queue.front());
  corosync.queue.pop_front();
  append(corosync.ring, std::move(item));
}

void FakeRing::append(const std::shared_ptr<Ring>& ring, Item item) {
  if (item.joins != Incarnation{}) ring->group.insert_or_assign(item.from, item.joins);
  if (item.leaves != Incarnation{}) ring->group.erase(item.from);
  if (!item.message) item.view = ring->group;
  const NodeId from = item.from;
  ring->log.push_back(std::move(item));
  for (const NodeId node : ring->members) {
    Corosync& corosync = nodes_.at(node);
    const Duration way = node == from ? microseconds{20} : random_.between(microseconds{50}, ways_.at(node));
    corosync.last_delivery = std::max(corosync.last_delivery, schedule_.now() + way);
    schedule_.at(corosync.last_delivery, [this, node, number = ring->number] { next(node, number); });
  }
}

void FakeRing::next(NodeId node, std::uint64_t number) {
  Corosync& corosync = nodes_.at(node);
  if (!corosync.ring || corosync.ring->number != number || corosync.ring->still) return;
  const Item item = corosync.ring->log[corosync.position++];
  hand_over(node, item);
}

void FakeRing::hand_over(NodeId node, const Item& item) {
  Corosync& corosync = nodes_.at(node);
  if (!corosync.up || !corosync.client) return;
  if (item.joins != Incarnation{} && item.from == node && item.joins == *corosync.client)
    corosync.joined = true;
  if (!corosync.joined) return;
  if (item.message) {
    callbacks_.delivered(node, item.from, item.message);
  } else {
    show(node, item.view);
  }
}

void FakeRing::show(NodeId node, const Group& view) {
  Corosync& corosync = nodes_.at(node);
  if (corosync.view == view) return;
  corosync.view = view;
  callbacks_.view(node, nodes_of(view));
}

// The token is lost: nothing moves until those who can reach each other have found each other.
void FakeRing::disturb(const std::set<NodeId>& nodes) {
  for (const NodeId node : nodes) {
    if (nodes_.at(node).ring) nodes_.at(node).ring->still = true;
  }
  if (std::exchange(reform_planned_, true)) return;
  schedule_.after(random_.between(milliseconds{60}, milliseconds{300}), [this] { reform(); });
}

std::set<NodeId> FakeRing::component(NodeId node) const {
  std::set<NodeId> out{node};
  std::vector<NodeId> todo{node};
  while (!todo.empty()) {
    const NodeId here = todo.back();
    todo.pop_back();
    for (const auto& [other, corosync] : nodes_) {
      if (corosync.up && !cuts_.contains(std::minmax(here, other)) && out.insert(other).second)
        todo.push_back(other);
    }
  }
  return out;
}

void FakeRing::reform() {
  reform_planned_ = false;
  std::set<NodeId> done;
  for (const auto& [node, corosync] : nodes_) {
    if (!corosync.up || done.contains(node)) continue;
    const std::set<NodeId> members = component(node);
    done.insert(members.begin(), members.end());
    const bool same = std::ranges::all_of(members, [&](NodeId n) {
      const auto& ring = nodes_.at(n).ring;
      return ring && !ring->still && ring->members == members;
    });
    if (!same) replace(members);
  }
}

// What those who stay together are given of their old ring: positions in its log, the same for all of them.
std::vector<std::size_t> FakeRing::remains(const Ring& old, const std::set<NodeId>& together) {
  std::size_t low = old.log.size();
  std::size_t certain = 0;  // what one of them has had, all will have
  for (const NodeId node : together) {
    low = std::min(low, nodes_.at(node).position);
    certain = std::max(certain, nodes_.at(node).position);
  }
  const bool all = together == old.members;
  const std::size_t hole = all ? old.log.size() : certain + random_.below(old.log.size() - certain + 1);
  std::vector<std::size_t> out;
  for (std::size_t i = low; i < old.log.size(); ++i) {
    if (i < hole || together.contains(old.log[i].from)) out.push_back(i);
  }
  return out;
}

// A new ring for `members`. Each is given what is left of its old ring and then the new views, not all at the
// same time.
void FakeRing::replace(const std::set<NodeId>& members) {
  const auto ring = std::make_shared<Ring>();
  ring->number = ++rings_;
  ring->members = members;
  std::map<std::uint64_t, std::set<NodeId>> parts;  // who comes from which ring; 0: from none
  for (const NodeId node : members) {
    const auto& old = nodes_.at(node).ring;
    parts[old ? old->number : 0].insert(node);
    if (!old) continue;
    const auto process = old->group.find(node);
    if (process != old->group.end()) ring->group.insert(*process);
  }
  const Duration skew = random_.percent(20) ? milliseconds{30} : milliseconds{3};
  for (const auto& [number, together] : parts) {
    std::vector<std::size_t> chosen;
    const auto old = nodes_.at(*together.begin()).ring;
    if (old) chosen = remains(*old, together);
    Group alone = ring->group;
    std::erase_if(alone, [&whole = together](const auto& process) { return !whole.contains(process.first); });
    const bool in_steps = random_.percent(70);
    for (const NodeId node : together) {
      std::vector<Item> left;
      for (const std::size_t i : chosen) {
        if (i >= nodes_.at(node).position) left.push_back(old->log[i]);
      }
      if (in_steps) left.push_back({.from = node, .view = alone});
      left.push_back({.from = node, .view = ring->group});
      move_in(node, ring, std::move(left),
              schedule_.now() + random_.between(microseconds{10}, std::max(skew, ways_.at(node))));
    }
  }
}

void FakeRing::move_in(NodeId node, const std::shared_ptr<Ring>& ring, std::vector<Item> left, Instant when) {
  Corosync& corosync = nodes_.at(node);
  corosync.ring = ring;
  corosync.position = 0;
  when = std::max(when, corosync.last_delivery);  // what came before is handed over before
  corosync.last_delivery = when;
  const bool quorate = ring->members.size() > nodes_.size() / 2;
  const bool quorum_first = random_.percent(50);
  schedule_.at(when, [this, node, start = corosync.start, left = std::move(left), quorate, quorum_first] {
    if (!nodes_.at(node).up || nodes_.at(node).start != start) return;
    if (quorum_first) callbacks_.quorate(node, quorate);
    for (const Item& item : left) hand_over(node, item);
    if (!quorum_first) callbacks_.quorate(node, quorate);
  });
  for (std::size_t i = 0; i < corosync.queue.size(); ++i) {
    schedule_.after(random_.between(microseconds{50}, milliseconds{2}), [this, node] { order(node); });
  }
}

}  // namespace hasync::sim
