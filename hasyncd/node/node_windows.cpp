// Inbound replay windows of a Node, and what could be replayed after a takeover: see node.h.
#include <algorithm>

#include "hasyncd/node/node.h"

namespace hasync::hasyncd {

namespace {

constexpr Duration kTellAgain = std::chrono::milliseconds{200};
constexpr Duration kPlanAgain = std::chrono::seconds{60};

}  // namespace

// A mark is true whoever tells it: its sender has accepted that number. Counts are compared with those of one
// owner at a time, the log's; a new owner goes by the old one's until it opens.
void Node::hear_windows(const Heartbeat& heartbeat, Instant now, Actions& out) {
  const Process& from = heartbeat.from;
  if (mine() && heartbeat.owner == settings_.self) marks_.held_by(from.node, heartbeat.windows_held);
  if (!settings_.gateway || reigns() || heartbeat.owner != from) return;
  const bool newer = agreement_.current() && heartbeat.epoch > agreement_.current()->epoch;
  const bool owns = !mine() && (newer || (replica_.current() && replica_.owner() == from));
  if (!owns && !(mine() && exposure_.follows(from))) return;
  if (heartbeat.counted_ns != 0) {
    const auto time = [](std::uint64_t ns) { return Instant{static_cast<Instant::rep>(ns)}; };
    exposure_.heard(from, heartbeat.let_in, time(heartbeat.counted_ns), time(heartbeat.sent_ns), now);
  }
  if (!heartbeat.windows) return;
  std::vector<InboundTop> raised = marks_.heard(from, *heartbeat.windows);
  if (!raised.empty()) out.push_back(RaiseWindows{std::move(raised)});
  if (marks_.held(from) == heartbeat.windows->round) covering_ = {from, *heartbeat.windows};
}

// What charon is installing at this moment was given the marks of before; the data plane raises it
// afterwards.
void Node::settle_windows() {
  const Process& owner_now = replica_.owner();
  if (owner_now.node != kNobody && owner_now != settings_.self) exposure_.other_owns();
  if (!covering_ || !putting_.empty()) return;
  const auto& [owner, reading] = *covering_;
  exposure_.covered(owner, reading);
  covering_.reset();
}

// What the kernel has no more while the log has it still, others would accept again. One that charon has
// refused here has accepted nothing.
bool Node::covers(const std::vector<InboundTop>& tops) const {
  std::vector<EspSpi> there;
  there.reserve(tops.size());
  for (const InboundTop& top : tops) there.push_back(top.key.spi);
  std::ranges::sort(there);
  return std::ranges::all_of(replica_.contexts(), [&](const auto& context) {
    const auto& [sa, delta] = context;
    return refused_.contains(sa) || std::ranges::all_of(delta.outbound, [&](const OutboundSa& child) {
             return std::ranges::binary_search(there, child.inbound);
           });
  });
}

Actions Node::on_windows(const std::vector<InboundTop>& tops, std::uint64_t let_in, Instant now) {
  Actions out;
  marks_.read(tops);
  if (covers(tops)) exposure_.read(let_in);
  if (role_ == Role::Owner || role_ == Role::Leaving) tell_windows(now, out);
  return out;
}

std::vector<NodeId> Node::other_gateways() const {
  std::vector<NodeId> out;
  if (!agreement_.current()) return out;
  for (const EpochMember& member : agreement_.current()->members) {
    if (member.gateway && member.process != settings_.self) out.push_back(member.process.node);
  }
  return out;
}

// Some of it was lost, or a member is new: nothing may move for hours that would make it be told.
void Node::tell_again(Instant now, Actions& out) {
  if (role_ != Role::Owner || now - windows_told_ < kTellAgain || marks_.given_to(other_gateways())) return;
  tell_windows(now, out);
}

void Node::tell_windows(Instant now, Actions& out) {
  const std::vector<NodeId> gateways = other_gateways();
  if (gateways.empty() || marks_.round() == 0) return;
  windows_told_ = now;
  for (Windows& part : marks_.parts(gateways)) {
    part.let_in = exposure_.read_at();
    part.open = exposure_.open();
    part.peak = exposure_.peak();
    part.last = role_ == Role::Leaving;
    Heartbeat said = heartbeat(now);
    said.windows = std::move(part);
    out.push_back(SendHeartbeat{std::move(said)});
  }
}

// This node is about to open: from here on its own windows count.
void Node::expose(Instant now, Actions& out) {
  out.push_back(RaiseWindows{});
  covering_.reset();
  exposure_.take(now);
  marks_.begin();
  exposed_.clear();
  for (const auto& [key, lease] : replica_.leases()) exposed_.insert(key.spi);
  if (exposed_.empty()) exposure_.close();
  const auto bound = exposure_.bound(now);
  if (bound == 0) exposed_.clear();
  if (!exposed_.empty()) {
    out.push_back(Note{"replay-exposure", (bound ? std::to_string(*bound) : "an unknown number of") +
                                              " packets to " + std::to_string(exposed_.size()) +
                                              " CHILD_SAs could be replayed once"});
  }
  plan_rekeys(now);
}

// charon of an owner installs its SAs anew: their windows stand where they were last read.
void Node::fall_back(const Delta& context) {
  if (!reigns()) return;
  exposure_.fell_back();
  for (const OutboundSa& sa : context.outbound) exposed_.insert(sa.key.spi);
}

// A CHILD_SA that has been rekeyed, or has ended, takes nothing any more.
void Node::close_exposure(const std::vector<OutboundKey>& unleased, Actions& out) {
  if (exposed_.empty()) return;
  for (const OutboundKey& key : unleased) {
    if (!replica_.newest_of(key.spi)) exposed_.erase(key.spi);
  }
  if (!exposed_.empty() || !reigns()) return;
  exposure_.close();
  rekeys_.clear();
  out.push_back(Note{"replay-closed", "no CHILD_SA is left whose packets could be replayed"});
}

void Node::plan_rekeys(Instant now) {
  rekeys_.clear();
  if (settings_.rekey_after_takeover == Duration{} || exposed_.empty()) return;
  std::vector<OutboundKey> keys;
  for (const auto& [key, lease] : replica_.leases()) {
    if (exposed_.contains(key.spi)) keys.push_back(key);
  }
  rekeys_.begin(std::move(keys), settings_.rekey_after_takeover, now);
  plan_again_ = now + settings_.rekey_after_takeover + kPlanAgain;
}

// charon may have refused, or its peer not answered: what is there still is planned again.
void Node::rekey_exposed(Instant now, Actions& out) {
  if (role_ != Role::Owner || exposed_.empty()) return;
  if (rekeys_.empty() && now >= plan_again_) plan_rekeys(now);
  for (const OutboundKey& key : rekeys_.due(now)) {
    const auto lease = replica_.leases().find(key);
    if (lease == replica_.leases().end() || !exposed_.contains(key.spi)) continue;
    out.push_back(RekeyChild{lease->second.sa, key});
  }
}

}  // namespace hasync::hasyncd
