// Role, fence and address of a Node: see node.h.
#include <algorithm>
#include <array>
#include <utility>

#include "hasyncd/node/node.h"
#include "hasyncd/node/unready.h"

namespace hasync::hasyncd {

namespace {

std::string name(NodeId node) {
  return node == kNobody ? "nobody" : "node " + std::to_string(node.value);
}

}  // namespace

std::string to_string(Role role) {
  switch (role) {
    case Role::Out:
      return "out";
    case Role::Standby:
      return "standby";
    case Role::Taking:
      return "taking";
    case Role::Owner:
      return "owner";
    case Role::Lapsed:
      return "lapsed";
    case Role::Leaving:
      return "leaving";
  }
  return "?";
}

bool Node::mine() const {
  return in_epoch_ && replica_.current() && replica_.owner() == settings_.self;
}

bool Node::ready(NodeId node) const {
  return node == settings_.self.node ? ready_ : hearsay_.ready(node);
}

std::size_t Node::refused(NodeId node) const {
  return node == settings_.self.node ? refused_.size() : hearsay_.refused(node);
}

std::optional<bool> Node::held(SaId sa) const {
  const auto it = charon_.find(sa);
  return it == charon_.end() ? std::nullopt : std::optional{it->second};
}

std::vector<SaId> Node::unlogged(std::optional<SaId> after, std::optional<SaId> last) const {
  std::vector<SaId> out;
  const auto end = last ? charon_.upper_bound(*last) : charon_.end();
  for (auto it = after ? charon_.upper_bound(*after) : charon_.begin(); it != end; ++it) {
    if (it->second && !replica_.contexts().contains(it->first)) out.push_back(it->first);
  }
  return out;
}

void Node::enter(Role role, const char* why, Actions& out) {
  if (role == role_) return;
  out.push_back(Note{"role-changed", to_string(role_) + " -> " + to_string(role) + ": " + why});
  role_ = role;
}

// Brings the role in line with what is known. Called at the end of every event.
void Node::settle(Instant now, Actions& out) {
  ask_puts(out);
  serve_vpe(out);
  const bool carries_vpe = replica_.vpe().empty() || vpe_.session() != 0;
  ready_ = settings_.gateway && in_epoch_ && replica_.current() && charon_synced_ && puts_.keeps_up(now) &&
           links_up_ && carries_vpe;
  yield(out);
  settle_windows();
  if (!mine()) {
    enter(in_epoch_ ? Role::Standby : Role::Out, in_epoch_ ? "member of an epoch" : "no part in an epoch",
          out);
  } else if (!stopping_ && (role_ == Role::Out || role_ == Role::Standby)) {
    begin_taking(false, out);
  } else if (stopping_ && (role_ == Role::Taking || role_ == Role::Lapsed)) {
    give_up(Role::Standby, "stopping", out);
  }
  if (role_ == Role::Taking && !wait_from_ && permission_.majority_heard()) wait_from_ = now;
  if ((role_ == Role::Taking || role_ == Role::Lapsed) && may_open(now)) {
    if (role_ == Role::Taking) expose(now, out);
    enter(Role::Owner, "a majority acknowledges", out);
    least_margin_.reset();
    renew(now, out);
    out.push_back(HoldAddress{});
    announcements_.taken(now);
  }
  if (role_ == Role::Owner) renew(now, out);
  if (role_ == Role::Owner && (charon_lost_ || !links_up_) && !agreement_.frozen()) {
    if (const auto next = successor())
      leave_to(*next, charon_lost_ ? "charon is gone" : "a link is down", out);
  }
  if (stopping_ && (role_ == Role::Out || role_ == Role::Standby) && !std::exchange(finished_, true)) {
    out.push_back(Finished{});
  }
}

// Not the owner any more: the fence closes before gate and numbers are those of a standby.
void Node::yield(Actions& out) {
  if (mine() || role_ == Role::Out || role_ == Role::Standby) return;
  if (in_epoch_) {
    const bool known = replica_.current();
    give_up(Role::Standby, (known ? name(replica_.owner().node) + " owns" : "waits for a snapshot").c_str(),
            out);
  } else {
    give_up(Role::Out, "no part in an epoch", out);
  }
}

void Node::begin_taking(bool moved, Actions& out) {
  ++counted_.moves;
  wait_from_.reset();
  if (!moved) {
    moved_at_.reset();
    exposure_.goes_on();
  }
  enter(Role::Taking, moved_at_ ? "the old owner has handed over" : "the old owner is gone", out);
  reconcile(false, out);
  rekey_vpe(replica_.vpe().all(), false, out);
}

bool Node::may_open(Instant now) const {
  const auto until = permission_.deadline(now);
  const bool permitted = until && *until > now && counts() && agreement_.confirmed();
  if (!permitted || role_ == Role::Lapsed) return permitted;
  // After a Move only its stability says that the old owner will not come back; waiting does not.
  if (moved_at_) return stability_.stable() >= *moved_at_;
  return wait_from_ && now >= *wait_from_ + takeover_wait(settings_.fence);
}

void Node::renew(Instant now, Actions& out) {
  const auto until = permission_.deadline(now);
  if (until && counts() && agreement_.confirmed() && *until > deadline_) {
    if (deadline_ != Instant{}) {
      const Duration left = std::max(deadline_ - now, Duration{});
      least_margin_ = std::min(least_margin_.value_or(left), left);
    }
    deadline_ = *until;
    out.push_back(SetDeadline{deadline_});
  }
  if (now >= deadline_) {
    ++counted_.lapses;
    give_up(Role::Lapsed, "no majority has acknowledged for the length of the fence", out);
    return;
  }
  if (announcements_.due(now)) out.push_back(Announce{});
}

// The kernel's deadline is as far away as before, others' patience is not: silent until a majority answers
// anew.
Actions Node::on_suspended(Duration time, Instant now) {
  Actions out;
  ++counted_.suspensions;
  permission_.suspended(now);
  if (role_ == Role::Owner) give_up(Role::Lapsed, "the machine was suspended", out);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  out.push_back(Note{"clock-stood-still", std::to_string(ms) + " ms: the machine was suspended"});
  settle(now, out);
  return out;
}

// The fence first: from there on nothing leaves, whatever else takes time.
void Node::give_up(Role role, const char* why, Actions& out) {
  deadline_ = Instant{};
  out.push_back(CloseFence{});
  // A lapse may last a moment, a move a little longer. charon would move its IKE_SAs to another address of
  // this node and tell the peers (RFC 4555, section 3.5), past the fence, which knows the virtual addresses
  // only. Closed, it silences them.
  const bool passing = role == Role::Lapsed || role == Role::Leaving;
  if (!passing) out.push_back(DropAddress{});
  if (role != Role::Lapsed) out.push_back(ReadWindows{});  // the last of what this node has let in
  enter(role, why, out);
  if (passing) return;
  exposure_.give_up();
  moved_at_.reset();
  wait_from_.reset();
  unstable_.clear();
  output_.give_up();
  std::vector<SaId> sas;
  for (auto& [sa, active] : charon_) {
    if (std::exchange(active, false)) sas.push_back(sa);
  }
  if (!sas.empty()) out.push_back(SetActive{std::move(sas), false});
  proposals_.cancel_move();
  proposals_.repeat_all();
  if (!in_epoch_ || !replica_.current()) return;
  std::vector<OutboundKey> keys;
  for (const auto& [key, lease] : replica_.leases()) keys.push_back(key);
  stand_by(keys, out);
  discard_proposals(out);
}

std::optional<NodeId> Node::successor() const {
  for (const EpochMember& member : agreement_.current()->members) {
    const NodeId node = member.process.node;
    const bool able = member.gateway && node != settings_.self.node && stability_.agreed(node) >= kBeginning;
    if (able && ready(node)) return node;
  }
  return std::nullopt;
}

void Node::leave_to(NodeId to, const char* why, Actions& out) {
  give_up(Role::Leaving, why, out);
  proposals_.move(to);
  flush(out);
}

// A node that cannot be reached passes its tunnels on, if another can take them.
Actions Node::on_links(const std::vector<std::string>& down, Instant now) {
  Actions out;
  if (links_up_ == down.empty() && links_up_) return out;
  links_up_ = down.empty();
  std::string names;
  for (const std::string& name : down) names += " " + name;
  out.push_back(
      Note{links_up_ ? "links-up" : "links-down", links_up_ ? "every link carries" : "no carrier:" + names});
  settle(now, out);
  return out;
}

Result<Actions> Node::move(NodeId to, Instant /*now*/) {
  if (!mine() || role_ != Role::Owner) return Error{Errc::Conflict, "this node is not the owner"};
  if (agreement_.frozen()) return Error{Errc::Busy, "the membership is changing; try again"};
  if (to == settings_.self.node) return Error{Errc::Conflict, "this node is the owner already"};
  const EpochMember* member = agreement_.current()->find(to);
  if (member == nullptr || !member->gateway) {
    return Error{Errc::NotFound, name(to) + " is no gateway of the present epoch"};
  }
  if (const std::string why = why_unready(*this, to); !why.empty())
    return Error{Errc::Busy, name(to) + " is not ready: " + why};
  Actions out;
  leave_to(to, "asked to", out);
  return out;
}

bool Node::alone_in_ring() const {
  return std::ranges::all_of(settings_.configured, [this](NodeId node) {
    return agreement_.in_group(node) == (node == settings_.self.node);
  });
}

// Whoever goes on with the state, or can do nothing with the tunnels, has nothing to take.
void Node::watch_the_other(Instant now, Actions& out) {
  if (!agreement_.of_two()) return;
  if (!alone_in_ring() && agreement_.in_group(settings_.self.node)) solitude_.seen(now);
  const bool able = settings_.gateway && charon_synced_ && links_up_ && !stopping_;
  if (!able || !alone_in_ring() || !solitude_.says_dead(now) || mine() || agreement_.goes_on_alone()) return;
  out.push_back(
      Note{"taken-from-silence", "the other node is silent, and taken to be off; no tunnel goes on", true});
  carry(agreement_.begin_alone(now), now, out);
}

Result<Actions> Node::take_alone(Instant now) {
  if (!agreement_.of_two()) return Error{Errc::Unsupported, "only where two gateways have no witness"};
  if (mine()) return Error{Errc::Conflict, "this node is the owner already"};
  if (!agreement_.in_group(settings_.self.node)) return Error{Errc::Busy, "corosync does not answer here"};
  if (!alone_in_ring()) return Error{Errc::Conflict, "the other node is in the ring: it is not off"};
  Actions out;
  out.push_back(
      Note{"taken-alone", "on the operator's word that the other node is off; no tunnel goes on", true});
  carry(agreement_.begin_alone(now), now, out);
  settle(now, out);
  return out;
}

Actions Node::stop(Instant now) {
  Actions out;
  stopping_ = true;
  if (role_ == Role::Owner) {
    const auto next = successor();
    if (next && !agreement_.frozen()) {
      leave_to(*next, "stopping", out);
      return out;
    }
    give_up(Role::Standby, "stopping", out);
  }
  settle(now, out);
  return out;
}

}  // namespace hasync::hasyncd
