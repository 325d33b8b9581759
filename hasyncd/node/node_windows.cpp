// Inbound replay windows of a Node, and what could be replayed after a takeover: see node.h.
#include <algorithm>

#include "hasyncd/node/node.h"

namespace hasync::hasyncd {

namespace {

constexpr Duration kTellAgain = std::chrono::milliseconds{200};
// Of a reading, per tick: more than some tens of datagrams at once do not fit a receiver's socket.
constexpr std::size_t kPartsAtOnce = 16;

std::vector<NodeId> other_gateways(const Agreement& agreement, const Process& self) {
  std::vector<NodeId> out;
  if (!agreement.current()) return out;
  for (const EpochMember& member : agreement.current()->members) {
    if (member.gateway && member.process != self) out.push_back(member.process.node);
  }
  return out;
}

// What the kernel has no more while the log has it still, others would accept again. One that charon has
// refused here, and has nothing of, has accepted nothing.
template <typename Absent>
bool covers(const std::vector<InboundTop>& tops, const Replica& log, Absent absent) {
  std::vector<EspSpi> there;
  there.reserve(tops.size());
  for (const InboundTop& top : tops) there.push_back(top.key.spi);
  std::ranges::sort(there);
  return std::ranges::all_of(log.contexts(), [&](const auto& context) {
    const auto& [sa, delta] = context;
    return absent(sa) || std::ranges::all_of(delta.outbound, [&](const OutboundSa& child) {
             return child.vpe || std::ranges::binary_search(there, child.inbound);
           });
  });
}

}  // namespace

// A mark is true whoever tells it: its sender has accepted that number. Counts are compared with those of one
// owner at a time, the log's; a new owner goes by the old one's until it opens.
void Node::hear_windows(const Heartbeat& heartbeat, Instant now, Actions& out) {
  const Process& from = heartbeat.from;
  if (mine() && heartbeat.owner == settings_.self) marks_.held_by(from.node, heartbeat.windows_held);
  if (!settings_.gateway || reigns(role_) || heartbeat.owner != from) return;
  const bool newer = agreement_.current() && heartbeat.epoch > agreement_.current()->epoch;
  const bool owns = !mine() && (newer || (replica_.current() && replica_.owner() == from));
  if (!owns && !(mine() && exposure_.follows(from))) return;
  if (heartbeat.counted_ns != 0) {
    exposure_.heard(heartbeat, now);
  }
  if (!heartbeat.windows) return;
  std::vector<InboundTop> raised = marks_.heard(from, *heartbeat.windows);
  if (!raised.empty()) out.push_back(RaiseWindows{std::move(raised)});
  if (marks_.held(from) == heartbeat.windows->round) exposure_.hears_whole(from, *heartbeat.windows);
}

// What charon is installing at this moment was given the marks of before; the data plane raises it
// afterwards.
void Node::settle_windows() {
  const Process& owner_now = replica_.owner();
  if (owner_now.node != kNobody && owner_now != settings_.self) exposure_.other_owns(owner_now);
  if (puts_.empty()) exposure_.settle();
}

// A member that has not heard yet of the end of a CHILD_SA would accept what this kernel has forgotten.
Actions Node::on_windows(const std::vector<InboundTop>& tops, std::uint64_t let_in, Instant now) {
  Actions out;
  marks_.read(tops);
  taken_over_.read(tops);
  reception_.read(tops);
  const bool known = stability_.stable() >= ended_at_;
  const auto absent = [this](SaId sa) { return overtaken(sa) && !charon_.contains(sa); };
  if (known && covers(tops, replica_, absent)) exposure_.read(let_in);
  if (role_ == Role::Owner || role_ == Role::Leaving) tell_windows(now, out);
  return out;
}

// Some of it was lost, or a member is new: nothing may move for hours that would make it be told.
void Node::tell_again(Instant now, Actions& out) {
  if (role_ != Role::Owner) return;
  if (marks_.telling()) return tell_on(kPartsAtOnce, now, out);
  if (now - windows_told_ < kTellAgain || marks_.given_to(other_gateways(agreement_, settings_.self))) return;
  tell_windows(now, out);
}

// One reading is told to its end before the next begins, or none would ever be whole. The last one has no
// time.
void Node::tell_windows(Instant now, Actions& out) {
  const bool last = role_ == Role::Leaving;
  const std::vector<NodeId> gateways = other_gateways(agreement_, settings_.self);
  if (gateways.empty() || marks_.round() == 0 || (marks_.telling() && !last)) return;
  std::vector<Windows> parts = marks_.parts(gateways);
  for (Windows& part : parts) {
    part.let_in = exposure_.read_at();
    part.open = exposure_.open();
    part.last = last;
  }
  const std::size_t at_once = last ? parts.size() : kPartsAtOnce;
  marks_.tell(std::move(parts));
  tell_on(at_once, now, out);
}

void Node::tell_on(std::size_t parts, Instant now, Actions& out) {
  windows_told_ = now;
  for (; parts > 0 && marks_.telling(); --parts) {
    Heartbeat said = heartbeat(now);
    said.windows = marks_.next();
    out.push_back(SendHeartbeat{std::move(said)});
  }
}

TakenOver::Spis Node::children(bool vpe) const {
  TakenOver::Spis out;
  for (const auto& [sa, context] : replica_.contexts()) {
    for (const OutboundSa& child : context.outbound) {
      if (child.vpe == vpe) out.emplace(child.key.spi, child.inbound);
    }
  }
  return out;
}

// This node is about to open: from here on its own windows count.
void Node::expose(Instant now, Actions& out) {
  out.push_back(RaiseWindows{});
  exposure_.take(now);
  marks_.begin();
  expose_vpe(now, out);
  TakenOver::Spis spis = children(false);
  if (spis.empty()) exposure_.close();
  const auto bound = exposure_.bound(now);
  if (bound == 0) spis.clear();
  if (!spis.empty()) {
    out.push_back(Note{"replay-exposure", (bound ? std::to_string(*bound) : "an unknown number of") +
                                              " packets to " + std::to_string(spis.size()) +
                                              " CHILD_SAs could be replayed once"});
  }
  taken_over_.begin(std::move(spis), now);
}

// charon of an owner installs its SAs anew: their windows stand where they were last read.
void Node::fall_back(const Delta& context) {
  if (!reigns(role_)) return;
  exposure_.falls_back();
  for (const OutboundSa& sa : context.outbound) {
    // vped may have been told that it was gone
    sa.vpe ? reception_.add(sa.key.spi, sa.inbound) : taken_over_.add(sa.key.spi, sa.inbound);
  }
}

// A CHILD_SA that has been rekeyed, or has ended, takes nothing any more where that is known.
void Node::ended(const Changes& changes) {
  for (const EspSpi spi : changes.unshared) reception_.ended(spi);
  if (changes.unleased.empty()) return;
  ended_at_ = replica_.mark().index;
  for (const OutboundKey& key : changes.unleased) {
    if (!replica_.newest_of(key.spi)) taken_over_.ended(key.spi);
  }
}

void Node::close_exposure(Actions& out) {
  if (reigns(role_) && reception_.has_just_closed()) {
    out.push_back(Note{"replay-closed", "no VPE CHILD_SA is left whose packets could be replayed"});
  }
  if (!reigns(role_) || !taken_over_.empty() || exposure_.open() == 0 || stability_.stable() < ended_at_)
    return;
  exposure_.close();
  out.push_back(Note{"replay-closed", "no CHILD_SA is left whose packets could be replayed"});
}

std::size_t Node::exposed() const {
  return reigns(role_) ? taken_over_.size() : 0;
}

bool Node::wants_windows() const {
  return role_ == Role::Owner && (taken_over_.lingers() || reception_.lingers());
}

void Node::rekey_exposed(Instant now, Actions& out) {
  close_exposure(out);
  if (role_ != Role::Owner) return;
  for (const EspSpi spi : taken_over_.due(now)) rekey(spi, out);
  for (const EspSpi spi : reception_.to_rekey(now)) rekey(spi, out);
}

void Node::rekey(EspSpi spi, Actions& out) {
  const auto sa = replica_.newest_of(spi);
  const auto context = sa ? replica_.contexts().find(*sa) : replica_.contexts().end();
  if (context == replica_.contexts().end()) return;
  for (const OutboundSa& child : context->second.outbound) {
    if (child.key.spi == spi) rekey(*sa, child.key, out);
  }
}

}  // namespace hasync::hasyncd
