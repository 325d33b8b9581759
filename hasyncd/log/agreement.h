// Agreement: who is in, and when that is agreed (docs/decisions/0001-epochs.md).
//
// Turns what CPG delivers into numbered epochs: candidates -> Propose -> Sync of every member -> installed.
// Refuses to know: entries, leases, owners, clocks' meaning. Time is an input, used only to try again.
// All candidates that deliver the same ring messages in the same order install the same epochs.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::nanoseconds;  // of CLOCK_MONOTONIC

// What a node's replicated state is: comparable between nodes.
struct StateMark {
  Epoch epoch;               // that the state belongs to; 0: none ever
  std::uint64_t index = 0;   // position in that epoch
  std::uint64_t digest = 0;  // over the entries up to there and the state they began with
  bool whole = false;        // false: nothing held, or not to be trusted
  bool owner = false;        // by this state, the node itself is the owner
  bool lone = false;         // of an epoch of one member
  Epoch begun{};             // in which it began empty; 0: it came from another
  bool operator==(const StateMark&) const = default;
};

struct EpochMember {
  Process process;
  bool gateway = false;
  bool needy = false;  // must take a snapshot of the reference first
  bool operator==(const EpochMember&) const = default;
};

// An installed epoch, the same value at each of its members.
struct Install {
  Epoch epoch;
  std::vector<EpochMember> members;  // ascending by node
  NodeId reference;                  // whose state it begins with; kNobody: it begins empty
  bool operator==(const Install&) const = default;

  const EpochMember* find(NodeId node) const;
  bool lone() const { return members.size() == 1; }
  // Of two nodes: on the operator's word, or from silence.
  bool begins_anew_alone() const { return lone() && reference == kNobody; }
};

// Actions, to be carried out in order.
struct Multicast {
  std::variant<Propose, Sync, Evict, Hello> body;
  bool operator==(const Multicast&) const = default;
};
// On disk before the next action. `confirmed`: the highest epoch in which this node has acknowledged
// anything.
struct Persist {
  Epoch promised;
  Epoch confirmed;
  bool operator==(const Persist&) const = default;
};
struct Installed {
  Install install;
  bool operator==(const Installed&) const = default;
};
struct Excluded {  // this process was evicted: it has no part in anything until an epoch has it again
  bool operator==(const Excluded&) const = default;
};
using AgreementAction = std::variant<Multicast, Persist, Installed, Excluded>;
using AgreementActions = std::vector<AgreementAction>;

struct AgreementSettings {
  Process self;
  bool gateway = false;
  bool blank = false;              // no memory on disk
  std::vector<NodeId> configured;  // every member of the cluster
  // A round without result is proposed again, and who has not answered is accused. A member whose ring is
  // slow is not left out sooner than one whose heartbeats are.
  Duration retry = std::chrono::milliseconds{200};
  Duration hello = std::chrono::seconds{
      1};  // first wait of an evicted process; doubles until it has stayed in for as long
  Duration hello_longest = std::chrono::seconds{30};
};

class Agreement {
 public:
  Agreement(AgreementSettings settings, Epoch promised, Epoch confirmed);

  // CPG's group changed. `mine` is the state of this node at this point of the order.
  AgreementActions on_view(const std::vector<NodeId>& nodes, Instant now);
  AgreementActions on_message(Process from, const Propose& propose, const StateMark& mine, Instant now);
  AgreementActions on_message(Process from, const Sync& sync, Instant now);
  AgreementActions on_message(Process from, const Evict& evict, Instant now);
  AgreementActions on_message(Process from, const Hello& hello, Instant now);
  // The connection to the ring is gone; what was agreed stays known, nothing new is agreed.
  void on_ring_lost();
  AgreementActions on_tick(Instant now);
  // A tick of this process itself came late: answers may lie here unread. Once for each proposal.
  void forgive(Duration gap, Instant now);
  // Whose presence is enough in a cluster of two; kNobody: nobody's (decision 0008).
  void keeper(NodeId node) { keeper_ = node; }
  // The operator's word that the other node is off: an epoch without it, whose state begins empty.
  AgreementActions begin_alone(Instant now);
  // It is about to be installed, or this node needs nobody as it is.
  bool goes_on_alone() const { return ordered_alone_ || (of_two() && keeper_ == settings_.self.node); }
  // A candidate is silent: accuse it. It is out when a majority of the configured members accuses it.
  AgreementActions suspect(NodeId node);
  // A majority has reported whole state in the current epoch: from now on this node acknowledges in it.
  AgreementActions confirm();

  // True while entries are void: from any change of the candidates until the next install.
  bool frozen() const { return frozen_; }
  bool is_candidate(NodeId node) const { return group_.contains(node) && !excluded_.contains(node); }
  bool in_group(NodeId node) const { return group_.contains(node); }
  std::vector<NodeId> candidates() const;
  // The epoch that this process is a member of, if any.
  const std::optional<Install>& current() const { return current_; }
  Epoch promised() const { return promised_; }
  bool confirmed() const { return current_ && current_->epoch == confirmed_; }
  // Members of the round under way that have not answered for longer than `retry`.
  std::vector<NodeId> overdue(Instant now) const;
  std::size_t majority() const { return settings_.configured.size() / 2 + 1; }
  // Two gateways without a witness: silence of either says nothing of it.
  bool of_two() const { return settings_.configured.size() == 2; }

 private:
  struct Round {
    Process leader;
    Epoch epoch;
    std::set<NodeId> members;
    std::map<NodeId, std::pair<Process, Sync>> syncs;
    Instant since;
  };

  AgreementActions candidates_changed(Instant now);
  void propose(AgreementActions& out, Instant now);
  void wait_to_propose(Instant now);
  bool acceptable(NodeId from, const Propose& propose) const;
  void leave_out_self(Instant now);
  const std::pair<Process, Sync>* reference() const;
  std::optional<Install> result() const;
  void finish(Instant now, AgreementActions& out);
  bool configured(NodeId node) const;
  bool enough(const std::set<NodeId>& nodes) const;
  bool may_lead() const;
  Epoch next_epoch() const;
  bool usable(const Sync& sync) const;

  AgreementSettings settings_;
  Epoch promised_;
  Epoch confirmed_;
  Epoch highest_seen_;  // promised or proposed by anybody
  std::set<NodeId> group_;
  std::set<NodeId> excluded_;
  std::map<NodeId, std::set<NodeId>> accusers_;
  bool frozen_ = true;
  NodeId keeper_;
  bool ordered_alone_ = false;
  std::optional<Round> round_;
  std::optional<Epoch> my_proposal_;  // not answered with a refusal yet
  std::optional<Install> current_;
  Instant propose_again_{};
  bool forgiven_ = false;
  Instant say_hello_{};
  Duration hello_wait_{};
  Instant installed_at_{};
};

}  // namespace hasync::hasyncd
