#include "hasyncd/log/hearsay.h"

#include <algorithm>

namespace hasync::hasyncd {

Mark mark_of(const Heartbeat& heartbeat, Process owner) {
  const auto honoured = std::ranges::find(heartbeat.acks, owner, &Ack::of);
  return {.of = heartbeat.from,
          .index = heartbeat.index,
          .digest = heartbeat.digest,
          .sent_ns = heartbeat.sent_ns,
          .ready = heartbeat.ready,
          .deaf = heartbeat.deaf,
          .honours_ns = honoured == heartbeat.acks.end() ? 0 : honoured->sent_ns};
}

void Hearsay::install(const Install& install) {
  epoch_ = install.epoch;
  known_.clear();
  for (const EpochMember& member : install.members) {
    if (member.process != self_) known_.emplace(member.process, Known{});
  }
}

// Two heartbeats may be of the same instant; then the one that knows more is the later.
bool Hearsay::learn(Epoch epoch, const Mark& mark, Process owner) {
  const auto known = known_.find(mark.of);
  if (epoch != epoch_ || known == known_.end()) return false;
  const Mark& before = known->second.mark;
  if (std::pair{mark.sent_ns, mark.index} <= std::pair{before.sent_ns, before.index}) return false;
  known->second.mark = mark;
  known->second.owner = owner;
  return true;
}

std::vector<Mark> Hearsay::marks(Process owner) const {
  std::vector<Mark> out;
  for (const auto& [process, known] : known_) {
    if (known.mark.sent_ns == 0) continue;
    out.push_back(known.mark);
    if (known.owner != owner) out.back().honours_ns = 0;
  }
  return out;
}

const Hearsay::Known* Hearsay::find(NodeId node) const {
  const auto known = std::ranges::find(known_, node, [](const auto& item) { return item.first.node; });
  return known == known_.end() ? nullptr : &known->second;
}

bool Hearsay::ready(NodeId node) const {
  const Known* of = find(node);
  return of != nullptr && of->mark.ready;
}

void Hearsay::learn_refused(Process from, std::size_t contexts) {
  if (const auto known = known_.find(from); known != known_.end()) known->second.refused = contexts;
}

std::size_t Hearsay::refused(NodeId node) const {
  const Known* of = find(node);
  return of == nullptr ? 0 : of->refused;
}

}  // namespace hasync::hasyncd
