#include "tests/sim/checker.h"

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
  if (!used_.insert((std::uint64_t{packet.key_id} << 40U) | packet.number).second)
    fail("I1: twice: " + what());
  if (packet.reign < reign_) fail("I2: a later owner has passed packets already: " + what());
  if (packet.now > packet.allowed) fail("I3: too late after the last majority: " + what());
  reign_ = std::max(reign_, packet.reign);
  left_at_[packet.key_id] = world_;
}

Instant Checker::last_left(std::uint32_t key_id) const {
  const auto it = left_at_.find(key_id);
  return it == left_at_.end() ? Instant{-1} : it->second;
}

void Checker::stable(const hasyncd::Replica& replica) {
  for (const auto& [sa, delta] : replica.contexts()) {
    std::uint64_t& newest = stable_[sa];
    newest = std::max(newest, unseal(delta.sealed).change);
  }
}

void Checker::became_owner(NodeId node, const hasyncd::Replica& replica) {
  std::set<std::uint32_t> keys;
  for (const auto& [sa, delta] : replica.contexts()) {
    for (const Child& child : unseal(delta.sealed).children) keys.insert(child.key_id);
  }
  for (const auto& [sa, change] : stable_) {
    if (ended_.contains(sa)) continue;
    const auto known = replica.contexts().find(sa);
    if (known == replica.contexts().end()) {
      fail("I7: " + name(node) + " owns and does not know " + to_string(sa));
    } else if (unseal(known->second.sealed).change < change) {
      fail("I7: " + name(node) + " owns and has an older " + to_string(sa));
    }
  }
  for (const auto& [key, when] : left_at_) {
    if (!ended_keys_.contains(key) && !keys.contains(key)) {
      fail("I7: " + name(node) + " owns and does not know key " + std::to_string(key) +
           ", which has been used");
    }
  }
}

}  // namespace hasync::sim
