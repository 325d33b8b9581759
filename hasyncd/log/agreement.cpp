#include "hasyncd/log/agreement.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace hasync::hasyncd {

const EpochMember* Install::find(NodeId node) const {
  const auto it = std::ranges::find(members, node, [](const EpochMember& m) { return m.process.node; });
  return it == members.end() ? nullptr : &*it;
}

Agreement::Agreement(AgreementSettings settings, Epoch promised, Epoch confirmed)
    : settings_(std::move(settings)),
      promised_(std::max(promised, confirmed)),
      confirmed_(confirmed),
      highest_seen_(promised_),
      hello_wait_(settings_.hello) {}

std::vector<NodeId> Agreement::candidates() const {
  std::vector<NodeId> out;
  std::ranges::set_difference(group_, excluded_, std::back_inserter(out));
  return out;
}

// Whether these may decide without the rest.
bool Agreement::enough(const std::set<NodeId>& nodes) const {
  if (nodes.size() >= majority()) return true;
  if (ordered_alone_ && nodes == std::set{settings_.self.node}) return true;
  return of_two() && nodes.contains(keeper_);
}

bool Agreement::may_lead() const {
  const auto left = candidates();
  return !left.empty() && left.front() == settings_.self.node && enough({left.begin(), left.end()});
}

// Two nodes may each install epochs alone: never with the same number.
Epoch Agreement::next_epoch() const {
  std::uint64_t next = std::max(highest_seen_, promised_).value + 1;
  const std::uint64_t mine = settings_.self.node == std::ranges::min(settings_.configured) ? 0 : 1;
  if (of_two() && candidates().size() == 1 && next % 2 != mine) ++next;
  return Epoch{next};
}

bool Agreement::configured(NodeId node) const {
  return std::ranges::find(settings_.configured, node) != settings_.configured.end();
}

AgreementActions Agreement::on_view(const std::vector<NodeId>& nodes, Instant now) {
  group_.clear();
  std::ranges::copy_if(nodes, std::inserter(group_, group_.end()),
                       [this](NodeId n) { return configured(n); });
  if (group_.size() > 1) ordered_alone_ = false;  // it is not off
  // Processes that come together from different groups have seen different evictions: all begin with none.
  // Who is still silent is accused again.
  excluded_.clear();
  return candidates_changed(now);
}

// From here on entries are void, at the same point of the order for all who are together; only an install
// ends it.
AgreementActions Agreement::candidates_changed(Instant now) {
  AgreementActions out;
  frozen_ = true;
  round_.reset();
  accusers_.clear();
  my_proposal_.reset();
  wait_to_propose(now);
  if (may_lead()) propose(out, now);
  return out;
}

void Agreement::propose(AgreementActions& out, Instant now) {
  highest_seen_ = next_epoch();
  my_proposal_ = highest_seen_;
  out.push_back(Multicast{Propose{
      .epoch = highest_seen_, .members = candidates(), .excluded = {excluded_.begin(), excluded_.end()}}});
  wait_to_propose(now);
}

void Agreement::wait_to_propose(Instant now) {
  propose_again_ = now + settings_.retry;
  forgiven_ = false;
}

// The proposal must speak of the group exactly as it is at this point of the order; what it leaves out is its
// right.
bool Agreement::acceptable(NodeId from, const Propose& propose) const {
  std::set<NodeId> named(propose.members.begin(), propose.members.end());
  // Of two nodes the other one knows better whether it may go on alone: this one may have no state to judge
  // by.
  const bool may = enough(named) || (of_two() && from != settings_.self.node);
  if (!named.contains(from) || !may) return false;
  named.insert(propose.excluded.begin(), propose.excluded.end());
  return named == group_ && named.size() == propose.members.size() + propose.excluded.size();
}

AgreementActions Agreement::on_message(Process from, const Propose& propose, const StateMark& mine,
                                       Instant now) {
  // A member may have proposed before it learned that it is excluded; its hello brings it back, not this.
  if (!is_candidate(from.node)) return {};
  frozen_ = true;
  highest_seen_ = std::max(highest_seen_, propose.epoch);
  wait_to_propose(now);
  if (!acceptable(from.node, propose)) return {};

  Sync sync{.leader = from,
            .epoch = propose.epoch,
            .promised = promised_,
            .refused = propose.epoch <= promised_,
            .confirmed = confirmed_,
            .state_epoch = mine.epoch,
            .index = mine.index,
            .digest = mine.digest,
            .has_state = mine.whole,
            .gateway = settings_.gateway,
            .owner = mine.whole && mine.owner && (!of_two() || keeper_ == settings_.self.node),
            .blank = settings_.blank,
            .lone = mine.whole && mine.lone,
            .of_two = of_two(),
            .begun = mine.begun};
  if (sync.refused) return {Multicast{sync}};

  const bool was_out = excluded_.contains(settings_.self.node);
  excluded_ = {propose.excluded.begin(), propose.excluded.end()};
  if (excluded_.contains(settings_.self.node)) {
    // Told again: its hello must not wait for ever, the others may need what it holds.
    if (was_out) return {};
    leave_out_self(now);
    return {Excluded{}};
  }
  // Whoever promises begins with the same exclusions and the same accusations.
  accusers_.clear();
  sync.promised = promised_ = propose.epoch;
  round_ = Round{from, propose.epoch, {propose.members.begin(), propose.members.end()}, {}, now};
  return {Persist{promised_, confirmed_}, Multicast{sync}};
}

AgreementActions Agreement::on_message(Process from, const Sync& sync, Instant now) {
  AgreementActions out;
  highest_seen_ = std::max({highest_seen_, sync.promised, sync.state_epoch});
  if (sync.refused) {
    // The leader alone repeats its proposal, once, above what stood in its way.
    if (sync.leader == settings_.self && my_proposal_ == sync.epoch && is_candidate(settings_.self.node)) {
      propose(out, now);
    }
    return out;
  }
  if (!round_ || round_->epoch != sync.epoch || round_->leader != sync.leader ||
      !round_->members.contains(from.node)) {
    return out;
  }
  round_->syncs.insert_or_assign(from.node, std::pair{from, sync});
  if (round_->syncs.size() == round_->members.size()) finish(now, out);
  return out;
}

// Whose state the epoch begins with: it holds everything that was stable (decision 0001, "Why it holds"). The
// owner goes first among equals, so that a healthy one stays. Of two that have each gone on alone the one
// that took the other to be off goes first, however often the other has installed since: peers have followed
// the address.
const std::pair<Process, Sync>* Agreement::reference() const {
  const std::pair<Process, Sync>* best = nullptr;
  const bool both_alone = of_two() && std::ranges::all_of(round_->syncs, [](const auto& said) {
                            return said.second.second.lone;
                          });
  const auto rank = [both_alone](const Sync& s) {
    return std::tuple{both_alone ? s.begun : Epoch{}, s.state_epoch, s.owner, s.index};
  };
  for (const auto& [node, said] : round_->syncs) {
    if (!said.second.has_state) continue;
    if (best == nullptr || rank(said.second) > rank(best->second)) best = &said;
  }
  return best;
}

// Whether what this member holds may be what all begin with. It must not be older than what anybody has
// acknowledged; of two nodes each may have gone on alone (decision 0008).
bool Agreement::usable(const Sync& sync) const {
  const bool alone = round_->members.size() == 1;
  if (alone && ordered_alone_) return false;
  const auto any = [this](auto what) {
    return std::ranges::any_of(round_->syncs, [&](const auto& said) { return what(said.second.second); });
  };
  const bool beside_blank = !alone && any([](const Sync& s) { return s.blank; });
  if (of_two() && beside_blank && !sync.owner) return false;
  if (of_two() && sync.lone) return true;
  return !any([&](const Sync& s) { return s.confirmed > sync.state_epoch; });
}

std::optional<Install> Agreement::result() const {
  Epoch confirmed{};
  std::size_t with_memory = 0;
  for (const auto& [node, said] : round_->syncs) {
    confirmed = std::max(confirmed, said.second.confirmed);
    if (!said.second.blank) ++with_memory;
    if (said.second.of_two != of_two()) return std::nullopt;
  }
  const auto* best = reference();
  const bool everyone = round_->members.size() == settings_.configured.size();
  // Without memory a node cannot vouch for the past: unless all begin, or all are here, the others must be a
  // majority.
  const bool alone = round_->members.size() < majority();
  if (with_memory != 0 && with_memory < majority() && !everyone && !alone) return std::nullopt;
  if (best != nullptr && !usable(best->second)) best = nullptr;
  if (best == nullptr && (confirmed != Epoch{} || alone) && !everyone && !ordered_alone_) return std::nullopt;

  Install install{round_->epoch, {}, best == nullptr ? kNobody : best->first.node};
  const auto mark = [](const Sync& s) { return std::tuple{s.has_state, s.state_epoch, s.index, s.digest}; };
  for (const auto& [node, said] : round_->syncs) {
    const auto& [process, sync] = said;
    install.members.push_back({process, sync.gateway, best != nullptr && mark(sync) != mark(best->second)});
  }
  return install;
}

void Agreement::finish(Instant now, AgreementActions& out) {
  const auto install = result();
  round_.reset();
  accusers_.clear();  // of the members, each of which has answered
  if (!install) return;
  current_ = install;
  frozen_ = false;
  my_proposal_.reset();
  ordered_alone_ = false;
  installed_at_ = now;
  out.push_back(Installed{*install});
}

AgreementActions Agreement::confirm() {
  if (!current_ || confirmed()) return {};
  confirmed_ = current_->epoch;
  settings_.blank = false;
  return {Persist{promised_, confirmed_}};
}

std::vector<NodeId> Agreement::overdue(Instant now) const {
  std::vector<NodeId> out;
  if (!round_ || now - round_->since < settings_.retry) return out;
  std::ranges::copy_if(round_->members, std::back_inserter(out),
                       [this](NodeId n) { return !round_->syncs.contains(n); });
  return out;
}

AgreementActions Agreement::on_message(Process from, const Evict& evict, Instant now) {
  if (!is_candidate(from.node) || !is_candidate(evict.node) || evict.node == from.node) return {};
  auto& accusers = accusers_[evict.node];
  accusers.insert(from.node);
  if (!enough(accusers)) return {};
  excluded_.insert(evict.node);
  AgreementActions out = candidates_changed(now);
  if (evict.node != settings_.self.node) return out;
  leave_out_self(now);
  return {Excluded{}};
}

void Agreement::leave_out_self(Instant now) {
  round_.reset();
  current_.reset();
  say_hello_ = now + hello_wait_;
}

AgreementActions Agreement::on_message(Process from, const Hello& /*hello*/, Instant now) {
  if (excluded_.erase(from.node) == 0) return {};
  return candidates_changed(now);
}

AgreementActions Agreement::begin_alone(Instant now) {
  ordered_alone_ = true;
  return candidates_changed(now);
}

void Agreement::on_ring_lost() {
  ordered_alone_ = false;
  group_.clear();
  excluded_.clear();
  accusers_.clear();
  round_.reset();
  current_.reset();
  my_proposal_.reset();
  frozen_ = true;
}

void Agreement::forgive(Duration gap, Instant now) {
  if (std::exchange(forgiven_, true)) return;
  if (round_) round_->since = std::min(round_->since + gap, now);
  propose_again_ = std::min(propose_again_ + gap, now + settings_.retry);
}

AgreementActions Agreement::on_tick(Instant now) {
  if (group_.empty()) return {};
  if (excluded_.contains(settings_.self.node)) {
    if (now < say_hello_) return {};
    hello_wait_ = std::min(2 * hello_wait_, settings_.hello_longest);
    say_hello_ = now + hello_wait_;
    return {Multicast{Hello{}}};
  }
  if (current_ && now - installed_at_ > hello_wait_) hello_wait_ = settings_.hello;
  AgreementActions out;
  if (frozen_ && now >= propose_again_ && may_lead()) propose(out, now);
  return out;
}

AgreementActions Agreement::suspect(NodeId node) {
  const bool pointless =
      node == settings_.self.node || !is_candidate(node) || !is_candidate(settings_.self.node);
  if (pointless) return {};
  std::set<NodeId> rest(group_);
  for (const NodeId out : excluded_) rest.erase(out);
  rest.erase(node);
  if (!enough(rest)) return {};
  return {Multicast{Evict{node}}};
}

}  // namespace hasync::hasyncd
