#include "tests/sim/checker.h"

#include <algorithm>
#include <iterator>

namespace hasync::sim {

namespace {

std::string name(NodeId node) {
  return "node " + std::to_string(node.value);
}

}  // namespace

void Checker::left(const Packet& packet) {
  const auto what = [&] {
    return name(packet.node) + ", key " + std::to_string(packet.key_id) + ", number " +
           std::to_string(packet.number);
  };
  if (!used_.insert((std::uint64_t{packet.key_id} << 40U) | packet.number)) fail("I1: twice: " + what());
  Lineage& lineage = of(packet.node);
  if (packet.reign < lineage.reign && !packet.excused)
    fail("I2: a later owner has passed packets already: " + what());
  if (packet.now > packet.allowed) fail("I3: too late after the last majority: " + what());
  if (!packet.excused) lineage.reign = std::max(lineage.reign, packet.reign);
  const Epoch begun = lineages_of_[packet.node];
  if (used_by_.emplace(packet.key_id, begun).first->second != begun)
    fail("I2: of another lineage: " + what());
  left_at_[packet.key_id] = world_;
}

void Checker::accepted(const Arrival& arrival) {
  if (accepted_.insert((std::uint64_t{arrival.key_id} << 40U) | arrival.number)) return;
  ++replays_;
  const std::uint64_t count = ++again_[arrival.reign];
  if (arrival.excused || !arrival.stated || !arrival.most) return;
  if (*arrival.stated != 0 && count <= *arrival.most) return;
  fail("I5: accepted again: " + name(arrival.node) + ", key " + std::to_string(arrival.key_id) + ", number " +
       std::to_string(arrival.number) + "; number " + std::to_string(count) + " of this reign, stated are " +
       std::to_string(*arrival.stated) + ", at most " + std::to_string(*arrival.most));
}

void Checker::accepted(NodeId node, const VpePacket& packet, bool open) {
  if (vpe_accepted_.insert(packet.name()) || open || vpe_aside_.contains(packet.name())) return;
  fail("I5: VPE: accepted again, and nothing is said to be open: " + name(node) + ", key " +
       std::to_string(packet.key_id) + ", incarnation " + std::to_string(packet.incarnation) + ", number " +
       std::to_string(packet.number));
}

void Checker::said(NodeId node, SaId sa, Says what, std::uint32_t id, std::uint64_t content) {
  if (said_.try_emplace({sa, what, id}, content).first->second == content) return;
  fail("I4: another " + std::string(what == Says::Response ? "response" : "request") +
       " has left as number " + std::to_string(id) + " of " + to_string(sa) + ": " + name(node));
}

void Checker::sends(NodeId node, std::uint32_t key_id, vpe::Place place) {
  if (!places_.emplace(key_id, place).second)
    fail("I1: VPE: " + name(node) + " begins anew under key " + std::to_string(key_id) + " as place " +
         std::to_string(place.node) + ", incarnation " + std::to_string(place.incarnation));
}

void Checker::open_together(const std::vector<NodeId>& nodes) {
  std::string who;
  std::set<Epoch> lineages;
  for (const NodeId node : nodes) {
    who += ", " + name(node);
    lineages.insert(lineages_of_[node]);
  }
  if (two_may_own_ && lineages.size() == nodes.size()) return;
  fail("I2: open at the same time" + who);
}

Instant Checker::last_left(std::uint32_t key_id) const {
  const auto it = left_at_.find(key_id);
  return it == left_at_.end() ? Instant{-1} : it->second;
}

void Checker::honours(hasyncd::Process by, const hasyncd::Ack& ack) {
  std::uint64_t& newest = honours_[{by, ack.of}];
  newest = std::max(newest, ack.sent_ns);
}

void Checker::passed_on(hasyncd::Process by, const hasyncd::Ack& ack) {
  const auto known = honours_.find({by, ack.of});
  if (known == honours_.end() || known->second < ack.sent_ns) {
    fail("I3: " + name(by.node) + " is said to honour what it does not");
  }
}

void Checker::died(hasyncd::Process process) {
  for (auto& [epoch, processes] : confirmed_) processes.erase(process);
}

// A node has installed this: the state of the reference goes on. Where only one may own, what began empty,
// and that somebody still holds, is not followed by what was before it.
void Checker::installed(const hasyncd::Install& install) {
  if (install.reference == kNobody) return began_empty(install.epoch);
  const Epoch begun = lineages_by_.emplace(install.epoch, lineages_of_[install.reference]).first->second;
  const bool held = std::ranges::any_of(confirmed_, [&](const auto& known) {
    return !known.second.empty() && known.first < install.epoch && lineages_by_.contains(known.first) &&
           lineages_by_.at(known.first) > begun;
  });
  if (!two_may_own_ && held)
    fail("I7: epoch " + std::to_string(install.epoch.value) + " goes on from before what began empty");
}

void Checker::began_empty(Epoch epoch) {
  const auto newest = std::ranges::find_if(confirmed_.rbegin(), confirmed_.rend(),
                                           [&](const auto& known) { return known.first < epoch; });
  const bool excused = std::exchange(may_begin_empty_, false);
  if (!excused && newest != confirmed_.rend() && !newest->second.empty()) {
    fail("I7: epoch " + std::to_string(epoch.value) + " begins empty, but somebody holds epoch " +
         std::to_string(newest->first.value));
  }
  if (!lineages_by_.emplace(epoch, epoch).second) return;
  for (const auto& [begun, lineage] : lineages_) {
    for (const auto* known : {&lineage.stable, &lineage.told}) {
      for (const auto& [sa, change] : *known) lost_[sa] = std::max(lost_[sa], change);
    }
  }
  lineages_[epoch];
}

// A node may learn late that what it holds was stable, when others are in a later epoch already.
void Checker::stable(NodeId node, const hasyncd::Replica& replica) {
  const Epoch epoch = replica.mark().epoch;
  Lineage& lineage = of(node);
  const bool late = epoch < lineage.newest;
  lineage.newest = std::max(lineage.newest, epoch);
  for (const auto& [sa, delta] : replica.contexts()) {
    std::uint64_t& newest = lineage.stable[sa];
    const IkeSa known = unseal(delta.sealed);
    const std::uint64_t change = known.change;
    holds(known);
    if (change < newest && !late) fail("I7: an older " + to_string(sa) + " became stable");
    newest = std::max(newest, change);
  }
}

void Checker::holds(const IkeSa& sa) {
  for (const Child& child : sa.children) {
    SaId& holder = holders_[child.key_id];
    holder = std::max(holder, sa.id);
  }
}

bool Checker::taken_from(SaId sa, std::uint32_t key_id) const {
  const auto holder = holders_.find(key_id);
  return holder != holders_.end() && holder->second != sa;
}

void Checker::told(Epoch lineage, SaId sa, std::uint64_t change) {
  const auto lost = lost_.find(sa);
  if (lost != lost_.end() && change <= lost->second) return;  // its peer has that answer already
  std::uint64_t& newest = lineages_[lineage].told[sa];
  newest = std::max(newest, change);
}

void Checker::became_owner(NodeId node, const hasyncd::Replica& replica) {
  know(node, replica, of(node).stable);
  know(node, replica, of(node).told);
  for (const SaId sa : of(node).told_ended) {
    if (replica.contexts().contains(sa))
      fail("I7: " + name(node) + " owns " + to_string(sa) + ", which its peer was told has ended");
  }
}

void Checker::know(NodeId node, const hasyncd::Replica& replica,
                   const std::map<SaId, std::uint64_t>& changes) {
  for (const auto& [sa, change] : changes) {
    if (ended_.contains(sa)) continue;
    const auto known = replica.contexts().find(sa);
    if (known == replica.contexts().end()) {
      fail("I7: " + name(node) + " owns and does not know " + to_string(sa));
    } else if (unseal(known->second.sealed).change < change) {
      fail("I7: " + name(node) + " owns and has an older " + to_string(sa));
    }
  }
}

}  // namespace hasync::sim
