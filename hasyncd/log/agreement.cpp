#include "hasyncd/log/agreement.h"

#include <algorithm>
#include <tuple>

namespace hasync::hasyncd {

const EpochMember* Install::find(NodeId node) const {
  const auto it = std::ranges::find(members, node, [](const EpochMember& m) { return m.process.node; });
  return it == members.end() ? nullptr : &*it;
}

Agreement::Agreement(AgreementSettings settings, Epoch promised, Epoch installed)
    : settings_(std::move(settings)),
      promised_(std::max(promised, installed)),
      installed_(installed),
      highest_seen_(promised_),
      hello_wait_(settings_.hello) {}

std::vector<NodeId> Agreement::candidates() const {
  std::vector<NodeId> out;
  std::ranges::set_difference(group_, excluded_, std::back_inserter(out));
  return out;
}

bool Agreement::configured(NodeId node) const {
  return std::ranges::find(settings_.configured, node) != settings_.configured.end();
}

AgreementActions Agreement::on_view(const std::vector<NodeId>& nodes, Instant now) {
  std::set<NodeId> group;
  std::ranges::copy_if(nodes, std::inserter(group, group.end()), [this](NodeId n) { return configured(n); });
  // A process that left is not excluded any more: whoever joins under its node is another one.
  std::erase_if(excluded_, [&](NodeId n) { return !group.contains(n); });
  group_ = std::move(group);
  return candidates_changed(now);
}

AgreementActions Agreement::candidates_changed(Instant now) {
  AgreementActions out;
  frozen_ = true;
  round_.reset();
  propose_again_ = now + settings_.retry;
  const auto left = candidates();
  if (left.size() >= majority() && left.front() == settings_.self.node) propose(out, now);
  return out;
}

void Agreement::propose(AgreementActions& out, Instant now) {
  highest_seen_ = std::max(highest_seen_, promised_);
  out.push_back(Multicast{Propose{
      .epoch = Epoch{highest_seen_.value + 1}, .members = candidates(), .excluded = {excluded_.begin(), excluded_.end()}}});
  propose_again_ = now + settings_.retry;
}

// The proposal must speak of the group exactly as it is at this point of the order; what it leaves out is its right.
bool Agreement::acceptable(NodeId from, const Propose& propose) const {
  std::set<NodeId> named(propose.members.begin(), propose.members.end());
  if (!named.contains(from) || !named.contains(settings_.self.node) || named.size() < majority()) return false;
  named.insert(propose.excluded.begin(), propose.excluded.end());
  return named == group_ && named.size() == propose.members.size() + propose.excluded.size();
}

void Agreement::adopt_exclusions(const Propose& propose) {
  excluded_ = {propose.excluded.begin(), propose.excluded.end()};
}

AgreementActions Agreement::on_message(Process from, const Propose& propose, const StateMark& mine, Instant now) {
  if (!group_.contains(from.node)) return {};
  frozen_ = true;
  highest_seen_ = std::max(highest_seen_, propose.epoch);
  propose_again_ = std::max(propose_again_, now + settings_.retry);
  if (!acceptable(from.node, propose)) return {};

  AgreementActions out;
  Sync sync{.leader = from, .epoch = propose.epoch, .promised = propose.epoch, .installed = installed_,
            .index = mine.index, .digest = mine.digest, .has_state = mine.whole && mine.installed == installed_,
            .gateway = settings_.gateway};
  if (propose.epoch <= promised_) {
    sync.promised = promised_;
  } else {
    adopt_exclusions(propose);
    promised_ = propose.epoch;
    round_ = Round{from, propose.epoch, {propose.members.begin(), propose.members.end()}, {}};
    out.push_back(Persist{promised_, installed_});
  }
  out.push_back(Multicast{sync});
  return out;
}

AgreementActions Agreement::on_message(Process from, const Sync& sync, Instant now) {
  AgreementActions out;
  highest_seen_ = std::max({highest_seen_, sync.promised, sync.installed});
  const bool refused = sync.promised != sync.epoch;
  if (refused) {
    // The leader alone repeats its proposal, above what stood in its way, unless a newer round has begun.
    const bool mine = sync.leader == settings_.self && (!round_ || round_->epoch <= sync.epoch);
    if (mine && is_candidate(settings_.self.node)) propose(out, now);
    return out;
  }
  if (!round_ || round_->epoch != sync.epoch || round_->leader != sync.leader || !round_->members.contains(from.node)) {
    return out;
  }
  round_->syncs.insert_or_assign(from.node, std::pair{from, sync});
  if (complete()) finish(out);
  return out;
}

bool Agreement::complete() const { return round_ && round_->syncs.size() == round_->members.size(); }

// The reference holds everything that was stable: see "Why it holds" in the decision.
std::optional<Install> Agreement::result() const {
  Epoch newest{};
  for (const auto& [node, said] : round_->syncs) newest = std::max(newest, said.second.installed);
  const std::pair<Process, Sync>* reference = nullptr;
  for (const auto& [node, said] : round_->syncs) {
    const Sync& sync = said.second;
    if (!sync.has_state || sync.installed != newest) continue;
    if (reference == nullptr || sync.index > reference->second.index) reference = &said;
  }
  const bool everyone = round_->members.size() == settings_.configured.size();
  if (reference == nullptr && newest != Epoch{} && !everyone) return std::nullopt;

  Install install{round_->epoch, {}, reference == nullptr ? kNobody : reference->first.node};
  for (const auto& [node, said] : round_->syncs) {
    const auto& [process, sync] = said;
    const auto mark = [](const Sync& s) { return std::tuple{s.has_state, s.installed, s.index, s.digest}; };
    const bool needy = reference != nullptr && mark(sync) != mark(reference->second);
    install.members.push_back({process, sync.gateway, needy});
  }
  return install;
}

void Agreement::finish(AgreementActions& out) {
  const auto install = result();
  round_.reset();
  if (!install) return;
  installed_ = install->epoch;
  current_ = install;
  frozen_ = false;
  hello_wait_ = settings_.hello;
  out.push_back(Persist{promised_, installed_});
  out.push_back(Installed{*install});
}

AgreementActions Agreement::on_message(Process from, const Evict& evict, Instant now) {
  if (!is_candidate(from.node) || !is_candidate(evict.node) || evict.node == from.node) return {};
  excluded_.insert(evict.node);
  AgreementActions out = candidates_changed(now);
  if (evict.node == settings_.self.node) {
    current_.reset();
    say_hello_ = now + hello_wait_;
    hello_wait_ = std::min(2 * hello_wait_, settings_.hello_longest);
    out = {Excluded{}};
  }
  return out;
}

AgreementActions Agreement::on_message(Process from, const Hello& /*hello*/, Instant now) {
  if (excluded_.erase(from.node) == 0) return {};
  return candidates_changed(now);
}

void Agreement::on_ring_lost() {
  group_.clear();
  excluded_.clear();
  round_.reset();
  current_.reset();
  frozen_ = true;
}

AgreementActions Agreement::on_tick(Instant now) {
  AgreementActions out;
  if (group_.empty()) return out;
  if (excluded_.contains(settings_.self.node)) {
    if (now < say_hello_) return out;
    say_hello_ = now + hello_wait_;
    out.push_back(Multicast{Hello{}});
    return out;
  }
  const auto left = candidates();
  if (frozen_ && now >= propose_again_ && left.size() >= majority() && left.front() == settings_.self.node) {
    propose(out, now);
  }
  return out;
}

AgreementActions Agreement::suspect(NodeId node) {
  const bool pointless = node == settings_.self.node || !is_candidate(node) || !is_candidate(settings_.self.node) ||
                         candidates().size() <= majority();
  if (pointless) return {};
  return {Multicast{Evict{node}}};
}

}  // namespace hasync::hasyncd
