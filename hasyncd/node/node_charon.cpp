// What charon of a Node holds, and is asked for: see node.h.
#include <algorithm>

#include "hasyncd/node/node.h"

namespace hasync::hasyncd {

namespace {

// This one is not for the log.
void discard_report(std::uint64_t number, Actions& out) {
  if (number != 0) out.push_back(DiscardOutput{number, number});
}

}  // namespace

void Node::put(SaId sa, Actions& out) {
  const auto context = replica_.contexts().find(sa);
  if (!charon_synced_ || context == replica_.contexts().end()) return;
  const bool first = puts_.want(sa, mine() ? replica_.mark().index : 0);
  if (first && mine()) {
    close_for(context->second, out);
    fall_back(context->second);
    // charon refuses to replace what it answers for.
    const auto held = charon_.find(sa);
    if (held != charon_.end() && std::exchange(held->second, false)) out.push_back(SetActive{{sa}, false});
  }
  ask_puts(out);
}

// An owner's charon lacks what it did not tell of, unless it has told of something newer since. What is
// wanted already waits for the newest.
void Node::put_upserted(const std::vector<SaId>& sas, bool known_to_charon, Actions& out) {
  for (const SaId sa : sas) {
    if (puts_.wanted(sa) || (!known_to_charon && !proposals_.concerns(sa))) put(sa, out);
  }
}

// What charon answers for it may repeat to the peer: asked for once no member can lose it.
void Node::ask_puts(Actions& out) {
  if (!in_epoch_ || !replica_.current()) return;
  for (const SaId sa : puts_.due(mine() ? stability_.stable() : replica_.mark().index)) {
    const auto context = replica_.contexts().find(sa);
    if (context == replica_.contexts().end()) {
      puts_.forget(sa);
      continue;
    }
    if (proposals_.under_way(sa)) continue;  // it may be the end of it, said before charon was lost
    const std::vector<OutboundKey> rekeys = puts_.asked(sa, mine());
    const Delta& newest = context->second;
    out.push_back(PutContext{sa, newest.sealed, mine(), numbers_of(newest), handed_on(newest)});
    if (mine()) {
      for (const OutboundKey& key : rekeys) rekey(sa, key, out);
    }
  }
}

void Node::rekey(SaId sa, const OutboundKey& key, Actions& out) {
  if (puts_.wanted(sa)) return puts_.rekey_behind(sa, key);
  if (overtaken(sa)) return;  // passive: charon would refuse
  out.push_back(RekeyChild{sa, key});
}

void Node::release(std::vector<SaId> sas, Actions& out) {
  if (sas.empty()) return;
  releasing_.insert(sas.begin(), sas.end());
  disowned_.insert(sas.begin(), sas.end());
  out.push_back(ReleaseContexts{std::move(sas)});
}

Actions Node::on_released(const std::vector<SaId>& sas, Instant now) {
  Actions out;
  for (const SaId sa : sas) releasing_.extract(sa);
  settle(now, out);
  return out;
}

Actions Node::on_put(SaId sa, bool installed, Instant now) {
  Actions out;
  const auto answered = puts_.answered(sa);
  if (!answered) return out;
  const auto [active, again] = *answered;
  if (installed) refused_.erase(sa);
  if (installed && active && reigns(role_)) exposure_.fell_back();
  const auto context = replica_.contexts().find(sa);
  if (!installed && context != replica_.contexts().end()) {
    refused_.insert(sa);
    if (charon_.contains(sa)) silence(sa, out);
  }
  if (installed && context == replica_.contexts().end()) {
    release({sa}, out);
  } else if (context != replica_.contexts().end() && mine()) {
    if (!again && (installed || charon_.contains(sa))) reopen(context->second, out);
  } else if (installed) {
    // Leases went on while it was being installed.
    auto numbers = numbers_of(context->second);
    if (!numbers.empty()) out.push_back(SetNumbers{std::move(numbers)});
  }
  if (installed && context != replica_.contexts().end()) {
    vpe_.held(context->second.outbound);
    const bool answers = mine() && !again;
    charon_[sa] = answers;
    if (active != answers) out.push_back(SetActive{{sa}, answers});
  }
  if (again) put(sa, out);
  const auto next = refused_.upper_bound(sa);
  if (mine() && next != refused_.end() && !puts_.contains(*next)) put(*next, out);
  settle(now, out);
  flush(out);
  return out;
}

bool Node::overtaken(SaId sa) const {
  return refused_.contains(sa) && !puts_.contains(sa);
}

// What charon keeps of it carries ESP as before, and answers nobody.
void Node::silence(SaId sa, Actions& out) {
  charon_[sa] = false;
  out.push_back(SetActive{{sa}, false});
}

// The connection that charon lacked may have been loaded. On an owner ESP of what charon keeps stands still
// meanwhile: one after another, each when the one before is answered.
Actions Node::ask_refused(Instant now) {
  Actions out;
  std::erase_if(refused_, [this](SaId sa) { return !replica_.contexts().contains(sa); });
  for (const SaId sa : refused_) {
    if (!puts_.contains(sa)) put(sa, out);
    if (mine()) break;
  }
  settle(now, out);
  flush(out);
  return out;
}

Actions Node::on_charon(ContextReport report, Instant now) {
  Actions out;
  output_.reported(report.number);
  if (releasing_.contains(report.sa)) {
    // Said before it was told to forget it, and will: in the log it would be an IKE_SA that nobody has.
    discard_report(report.number, out);
    return out;
  }
  charon_[report.sa] = report.active;
  bool news = false;  // for the log
  const bool known = replica_.contexts().contains(report.sa);
  const bool undecided = !in_epoch_ || !replica_.current();
  // What a charon tells at the beginning may be older than the log, unless it was this owner's before.
  const bool trusted = charon_synced_ || (counted_.moves != 0 && trusted_reign_ == counted_.moves);
  if (known && overtaken(report.sa)) {
    if (report.active) silence(report.sa, out);
  } else if (report.active && (undecided || (mine() && !trusted))) {
    // An owner that has lost its part in the log for a moment: news, if it turns out to own still. Until then
    // it does not answer.
    news = replica_.mark().owner && trusted && !puts_.contains(report.sa);
    charon_[report.sa] = false;
    out.push_back(SetActive{{report.sa}, false});
  } else if (mine() && report.active && puts_.contains(report.sa)) {
    // It was told to be passive and to take the log's context before it said this, and will: what it had done
    // meanwhile is not in the log, so nobody relies on it.
    charon_[report.sa] = false;
  } else if (mine() && report.active && takes_what_is_not_its_own(report)) {
    // Likewise: such a one, or one that the log does not have, rekeyed (RFC 7296, section 2.8).
    charon_.erase(report.sa);
    release({report.sa}, out);
  } else if (mine() && report.active) {
    close_moved(report, out);
    news = true;
  } else if (mine() && known && charon_synced_ && !puts_.contains(report.sa)) {
    charon_[report.sa] = true;
    out.push_back(SetActive{{report.sa}, true});
  } else if (!mine() && report.active && !undecided) {
    // It is another node's, or nobody's: a standby has no SA of its own, and what the log says is put again.
    charon_[report.sa] = false;
    out.push_back(SetActive{{report.sa}, false});
    if (known) {
      put(report.sa, out);
    } else if (charon_synced_) {
      charon_.erase(report.sa);
      release({report.sa}, out);
    }
  } else if (!mine() && known && charon_synced_ && !undecided) {
    // A copy that has changed of itself: what it did as the owner's came too late for the log.
    put(report.sa, out);
  }
  // A later report's commit would let out what is neither in the log nor discarded.
  if (news) {
    propose(std::move(report));
  } else {
    discard_report(report.number, out);
  }
  settle(now, out);
  flush(out);
  return out;
}

void Node::propose(ContextReport report) {
  vpe_.reported(report.sa, report.outbound, charon_synced_);
  proposals_.changed({report.sa, 0, report.peer, std::move(report.outbound), std::move(report.sealed)},
                     report.number);
}

// What a rekey makes has the CHILD_SAs of its predecessor. charon tells of it before that one is gone.
bool Node::takes_what_is_not_its_own(const ContextReport& report) const {
  const auto has = [this](SaId sa) { return replica_.contexts().contains(sa) || proposals_.concerns(sa); };
  if (has(report.sa)) return false;
  if (report.replaces && disowned_.contains(*report.replaces) && !has(*report.replaces)) return true;
  return std::ranges::any_of(report.outbound, [this](const OutboundSa& sa) {
    const auto holder = replica_.newest_of(sa.key.spi);
    return holder && (puts_.contains(*holder) || refused_.contains(*holder));
  });
}

// The peer's address has changed (RFC 4555): charon has deleted the SA and added it again, and its numbers
// may repeat. Under the old address nothing leaves any more; if it comes back there, it begins behind its
// lease.
void Node::close_moved(const ContextReport& report, Actions& out) {
  // The log may know the CHILD_SAs of a new IKE_SA as its predecessor's.
  auto context = replica_.contexts().find(report.sa);
  if (context == replica_.contexts().end() && report.replaces)
    context = replica_.contexts().find(*report.replaces);
  if (context == replica_.contexts().end()) return;
  const auto here = [&](const OutboundKey& key) {
    return std::ranges::find(report.outbound, key, &OutboundSa::key) != report.outbound.end();
  };
  const auto elsewhere = [&](const OutboundKey& key) {
    return std::ranges::any_of(report.outbound, [&](const OutboundSa& sa) { return sa.key.spi == key.spi; });
  };
  SetGate gate;
  SetNumbers numbers;
  for (const OutboundSa& sa : context->second.outbound) {
    const auto lease = replica_.leases().find(sa.key);
    const auto set = gate_.find(sa.key);
    if (lease == replica_.leases().end() || set == gate_.end()) continue;
    GateLimits& limits = set->second;
    const bool open = limits.ceiling > limits.floor;
    if (open && !here(sa.key) && elsewhere(sa.key)) {
      limits.floor = limits.ceiling = lease->second.end;
      gate.limits.push_back(limits);
    } else if (!open && here(sa.key) && !being_put(lease->second)) {
      numbers.numbers.push_back({sa.key, limits.floor - 1, sa.esn});
      if (!proposals_.grant_pending(sa.key)) {
        proposals_.grant({sa.key, lease->second.end + replica_.lease_size()});
      }
    }
  }
  if (!gate.limits.empty()) out.push_back(std::move(gate));
  if (!numbers.numbers.empty()) out.push_back(std::move(numbers));
}

Actions Node::on_charon_gone(SaId sa, std::uint64_t number, Instant now) {
  Actions out;
  output_.reported(number);
  disowned_.erase(sa);
  if (releasing_.contains(sa)) {
    discard_report(number, out);
    return out;
  }
  vpe_.gone(sa);
  const auto held = charon_.find(sa);
  const bool was_active = held != charon_.end() && held->second;
  if (held != charon_.end()) charon_.erase(held);
  // Perhaps its context is only on its way to the log: Proposals knows.
  // So is the end of one that an owner's charon had just reported when the node lost its part in the log.
  const bool outdated = puts_.contains(sa) || refused_.contains(sa);
  const bool news = !in_epoch_ && charon_synced_ && replica_.mark().owner && !outdated;
  if ((mine() && was_active) || news || proposals_.concerns(sa)) {
    proposals_.gone(sa, number);
  } else {
    discard_report(number, out);
    restore(sa, out);
  }
  settle(now, out);
  flush(out);
  return out;
}

// If the log has it still it is put again, once, lest an SA that cannot live here is put for ever.
void Node::restore(SaId sa, Actions& out) {
  const auto context = replica_.contexts().find(sa);
  if (!in_epoch_ || !replica_.current() || context == replica_.contexts().end()) return;
  const std::uint64_t version = context->second.version;
  if (std::exchange(restored_[sa], version) != version) put(sa, out);
}

// What charon holds against what the cluster holds. `distrust`: what charon holds may be older than the log.
// An owner's own news are never replaced by the log.
void Node::reconcile(bool distrust, Actions& out) {
  if (!charon_synced_ || !settings_.gateway) return;
  to_reconcile_ = !in_epoch_ || !replica_.current();
  if (to_reconcile_) return;
  std::vector<SaId> missing;
  for (const auto& [sa, context] : replica_.contexts()) {
    const auto held = charon_.find(sa);
    const bool answers = held != charon_.end() && held->second;
    const bool kept = (held != charon_.end() && !refused_.contains(sa)) || puts_.contains(sa);
    // What has been handed on may be in it here still: it would keep that from its successor.
    const bool trusted = answers || (!distrust && kept && handed_on(context).empty());
    if (!(mine() && trusted) && !(mine() && proposals_.concerns(sa))) missing.push_back(sa);
  }
  std::vector<SaId> unknown;
  std::vector<SaId> wrong;
  for (auto& [sa, active] : charon_) {
    const bool news = mine() && proposals_.concerns(sa);
    if (!replica_.contexts().contains(sa) && !news) {
      unknown.push_back(sa);
    } else if (!(mine() && puts_.contains(sa)) && std::exchange(active, mine()) != mine() &&
               (!mine() || !std::ranges::binary_search(missing, sa))) {
      wrong.push_back(sa);
    }
  }
  if (!wrong.empty()) out.push_back(SetActive{std::move(wrong), mine()});
  for (const SaId sa : unknown) charon_.erase(sa);
  release(std::move(unknown), out);
  // A rekeyed IKE_SA goes last: its successor takes the CHILD_SAs that charon has in it.
  std::stable_partition(missing.begin(), missing.end(),
                        [this](SaId sa) { return handed_on(replica_.contexts().at(sa)).empty(); });
  puts_.begin_round();
  for (const SaId sa : missing) put(sa, out);
}

// The context of a rekeyed IKE_SA may list a CHILD_SA that its successor has by now (RFC 7296, section 2.8).
// A peer that has moved since has another key, but the same SPIs; one that has the outbound SPI only is
// another.
bool Node::handed_on(SaId sa, const OutboundSa& child) const {
  const auto newest = replica_.newest_of(child.key.spi);
  const auto holder = newest ? replica_.contexts().find(*newest) : replica_.contexts().end();
  if (holder == replica_.contexts().end() || holder->first == sa) return false;
  return std::ranges::any_of(holder->second.outbound, [&child](const OutboundSa& other) {
    const bool moved = other.key.spi == child.key.spi && other.inbound == child.inbound;
    return other.key == child.key || (moved && child.inbound != EspSpi{});
  });
}

std::vector<EspSpi> Node::handed_on(const Delta& context) const {
  std::vector<EspSpi> out;
  for (const OutboundSa& child : context.outbound) {
    if (handed_on(context.sa, child)) out.push_back(child.key.spi);
  }
  return out;
}

void Node::discard_output(Actions& out) {
  if (auto discard = output_.discard()) out.push_back(*discard);
}

// Changes that charon has made and that did not get into the log: nobody was told of them. The log's contexts
// take their place.
void Node::discard_proposals(Actions& out) {
  discard_output(out);
  std::vector<SaId> unknown;
  for (const SaId sa : proposals_.clear()) {
    if (replica_.contexts().contains(sa)) {
      put(sa, out);
    } else if (charon_.erase(sa) != 0) {
      unknown.push_back(sa);
    }
  }
  release(std::move(unknown), out);
}

Actions Node::on_charon_synced(Instant now) {
  Actions out;
  charon_synced_ = true;
  charon_lost_ = false;
  restored_.clear();
  for (const auto& [sa, context] : replica_.contexts()) vpe_.held(context.outbound);
  out.push_back(Note{"charon-synced", std::to_string(charon_.size()) + " IKE_SAs in charon"});
  out.push_back(ReadWindows{});  // whatever they were before this process, they never go back
  reconcile(true, out);
  settle(now, out);
  return out;
}

Actions Node::on_charon_lost(Instant now) {
  Actions out;
  charon_lost_ = charon_lost_ || charon_synced_;
  if (charon_synced_) trusted_reign_ = mine() ? counted_.moves : 0;
  charon_synced_ = false;
  charon_.clear();
  vpe_.charon_lost();
  puts_.clear();
  releasing_.clear();
  disowned_.clear();
  refused_.clear();
  proposals_.forget_contexts();
  output_.charon_lost();
  settle(now, out);
  return out;
}

}  // namespace hasync::hasyncd
