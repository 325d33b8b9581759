// A gateway between two fakes: node 1 of three, whose ring and whose fellow members agree with everything.
#pragma once

#include <algorithm>
#include <deque>

#include "hasyncd/node/node.h"

namespace hasync::hasyncd {

inline constexpr Process kSelf{NodeId{1}, Incarnation{10}};
inline constexpr Process kOther{NodeId{2}, Incarnation{20}};
inline constexpr Process kWitness{NodeId{3}, Incarnation{30}};

template <typename What>
std::size_t count(const Actions& actions) {
  return static_cast<std::size_t>(
      std::ranges::count_if(actions, [](const Action& a) { return std::holds_alternative<What>(a); }));
}

// `elder`: node 2 holds the state already and owns.
class Table {
 public:
  explicit Table(bool elder, Duration rekey_after_takeover = {})
      : node_({.self = kSelf,
               .gateway = true,
               .configured = {NodeId{1}, NodeId{2}, NodeId{3}},
               .rekey_after_takeover = rekey_after_takeover},
              Epoch{}, Epoch{}),
        elder_(elder) {
    do_(node_.on_quorate(true, now_));
    do_(node_.on_charon_synced(now_));
    do_(node_.on_view({NodeId{1}, NodeId{2}, NodeId{3}}, now_));
  }

  // Carries out what goes to the ring: the message comes back, and the others answer a proposal.
  void do_(const Actions& actions) {
    seen_.insert(seen_.end(), actions.begin(), actions.end());
    for (const Action& action : actions) {
      const auto* sent = std::get_if<SendRing>(&action);
      if (sent == nullptr || deaf_) continue;
      if (slow_ && std::holds_alternative<Snapshot>(sent->message.body)) {
        not_taken_.push_back(sent->message);
        continue;
      }
      do_(node_.on_ring(kSelf.node, sent->message, now_));
      if (const auto* propose = std::get_if<Propose>(&sent->message.body)) answer(*propose);
    }
  }

  void answer(const Propose& propose) {
    for (const Process& other : {kOther, kWitness}) {
      Sync sync{.leader = kSelf, .epoch = propose.epoch, .promised = propose.epoch};
      sync.gateway = other == kOther;
      if (elder_) {
        sync.confirmed = sync.state_epoch = Epoch{1};
        sync.index = kBeginning;
        sync.has_state = true;
        sync.owner = other == kOther;
      }
      do_(node_.on_ring(other.node, {other.incarnation, ++number_, sync}, now_));
    }
    if (elder_) {
      const Snapshot state{.epoch = propose.epoch, .part = 0, .parts = 1, .owner = kOther};
      do_(node_.on_ring(kOther.node, {kOther.incarnation, ++number_, state}, now_));
    }
  }

  // Time goes on, and the others send heartbeats in it that acknowledge all that this node has said.
  void pass(Duration time) {
    for (const Instant end = now_ + time; now_ < end;) {
      now_ += std::chrono::milliseconds{10};
      do_(node_.on_tick(now_));
      for (const Process& other : {kOther, kWitness}) do_(node_.on_heartbeat(heartbeat(other), now_));
    }
  }
  void pass_in_silence(Duration time) {
    for (const Instant end = now_ + time; now_ < end;)
      do_(node_.on_tick(now_ += std::chrono::milliseconds{10}));
  }

  Heartbeat heartbeat(Process from) {
    Heartbeat out{.from = from, .number = ++number_, .sent_ns = number_, .ready = from == kOther};
    const StateMark mark = node_.replica().mark();
    if (node_.agreement().current()) out.epoch = node_.agreement().current()->epoch;
    out.index = mark.index;
    out.digest = mark.digest;
    const auto stamp = static_cast<std::uint64_t>(now_.count());
    out.acks.push_back({kSelf, stamp});
    return out;
  }

  Node node_;
  bool elder_;
  bool deaf_ = false;  // what is sent to the ring does not come back yet
  bool slow_ = false;  // it takes no parts of snapshots for the moment
  std::deque<RingMessage> not_taken_;
  Instant now_ = std::chrono::milliseconds{1000};
  std::uint64_t number_ = 0;
  Actions seen_;
};

}  // namespace hasync::hasyncd
