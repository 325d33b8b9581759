#include "hasyncd/node/node.h"

#include <algorithm>

namespace hasync::hasyncd {

namespace {

// More of a snapshot does not wait for the ring at a time: its queue has an end.
constexpr std::size_t kPartsAtOnce = 8;
// A node that is behind comes nearer within so many times the time in which silence is noticed, or has lost
// the thread.
constexpr int kPatience = 10;

constexpr Duration kBurst = std::chrono::milliseconds{100};

AgreementSettings agreement_settings(const NodeSettings& settings) {
  AgreementSettings out{.self = settings.self,
                        .gateway = settings.gateway,
                        .blank = settings.blank,
                        .configured = settings.configured};
  out.retry = std::max(out.retry, settings.evict_after);
  return out;
}

}  // namespace

Node::Node(NodeSettings settings, Epoch promised, Epoch confirmed)
    : settings_(std::move(settings)),
      agreement_(agreement_settings(settings_), promised, confirmed),
      replica_(settings_.self, settings_.lease),
      permission_(settings_.self, agreement_.majority(), settings_.fence, agreement_.of_two()),
      silence_(settings_.evict_after),
      hearsay_(settings_.self),
      following_(kPatience * settings_.evict_after),
      spending_(settings_.lease),
      exposure_(settings_.self, settings_.fence.fence + kBurst),
      taken_over_(settings_.rekey_after_takeover),
      vpe_(settings_.self.node),
      reception_(settings_.self.incarnation, settings_.rekey_after_takeover),
      solitude_(agreement_.of_two() ? settings_.silence_says_dead : std::nullopt) {}

void Node::send(std::variant<Propose, Sync, Evict, Hello, Entry, Snapshot> body, Actions& out) {
  out.push_back(SendRing{RingMessage{settings_.self.incarnation, ++message_number_, std::move(body)}});
}

void Node::carry(AgreementActions actions, Instant now, Actions& out) {
  for (AgreementAction& action : actions) {
    if (auto* multicast = std::get_if<Multicast>(&action)) {
      std::visit([&](auto& body) { send(std::move(body), out); }, multicast->body);
    } else if (auto* persist = std::get_if<Persist>(&action)) {
      out.push_back(*persist);
    } else if (auto* install = std::get_if<Installed>(&action)) {
      installed(install->install, now, out);
    } else {
      in_epoch_ = false;
      out.push_back(Note{"node-excluded", "the other members have evicted this node"});
    }
  }
}

void Node::watch_candidates(Instant now) {
  std::vector<NodeId> others = agreement_.candidates();
  std::erase(others, settings_.self.node);
  silence_.watch(others, now);
}

// Who is enough in a cluster of two: the owner, by the state of the installed epoch. An owner whose Move was
// on its way when the group changed does not know whether the other has it.
void Node::know_keeper(bool group_changes) {
  if (group_changes && role_ == Role::Leaving) may_have_moved_ = true;
  const bool known = replica_.current() && role_ != Role::Leaving && !may_have_moved_;
  agreement_.keeper(known ? replica_.owner().node : kNobody);
}

Actions Node::on_view(const std::vector<NodeId>& nodes, Instant now) {
  Actions out;
  following_.restart();
  know_keeper(true);
  carry(agreement_.on_view(nodes, now), now, out);
  watch_candidates(now);
  settle(now, out);
  return out;
}

Actions Node::on_ring(NodeId from, const RingMessage& message, Instant now) {
  Actions out;
  const Process sender{from, message.incarnation};
  know_keeper(false);
  if (const auto* entry = std::get_if<Entry>(&message.body)) {
    apply(sender, message.number, *entry, now, out);
  } else if (const auto* propose = std::get_if<Propose>(&message.body)) {
    carry(agreement_.on_message(sender, *propose, replica_.mark(), now), now, out);
  } else if (const auto* sync = std::get_if<Sync>(&message.body)) {
    carry(agreement_.on_message(sender, *sync, now), now, out);
  } else if (const auto* evict = std::get_if<Evict>(&message.body)) {
    carry(agreement_.on_message(sender, *evict, now), now, out);
  } else if (const auto* hello = std::get_if<Hello>(&message.body)) {
    carry(agreement_.on_message(sender, *hello, now), now, out);
  } else if (const auto* part = std::get_if<Snapshot>(&message.body)) {
    take(from, *part, now, out);
  }
  settle(now, out);
  flush(out);
  return out;
}

// Not while a round is under way: what this node has told of its state must stay true until the install.
void Node::take(NodeId from, const Snapshot& part, Instant now, Actions& out) {
  if (agreement_.frozen()) return;
  if (from == settings_.self.node) send_snapshot(out);
  Changes changes = replica_.take(from, part);
  if (!changes.became_whole) return;
  out.push_back(Note{"snapshot-taken", std::to_string(replica_.contexts().size()) + " contexts from node " +
                                           std::to_string(from.value)});
  proposals_.clear();
  discard_output(out);
  changes.upserted.clear();  // all are put again
  exposure_.forget();
  take_effect(changes, out);
  reconcile(true, out);
  progressed(out);
  beat(now, out);
}

// What was granted, but not stable, is now part of the beginning: it counts when that does. An owner that had
// lost its part in the log meanwhile does not know any more which grants those were.
void Node::begin_grants(bool all) {
  std::set<OutboundKey> pending;
  for (auto& [index, keys] : unstable_) pending.merge(keys);
  unstable_.clear();
  if (all) {
    for (const auto& [key, lease] : replica_.leases()) pending.insert(key);
  }
  if (!pending.empty()) unstable_[kBeginning] = std::move(pending);
}

void Node::installed(const Install& install, Instant now, Actions& out) {
  in_epoch_ = true;
  may_have_moved_ = false;
  if (!install.lone()) solitude_.together(now);
  stability_.install(install);
  permission_.install(install);
  hearsay_.install(install);
  watch_candidates(now);
  if (std::exchange(void_told_, counted_.void_entries) != counted_.void_entries) {
    out.push_back(Note{"entries-void",
                       std::to_string(counted_.void_entries) + " entries came too late for their epoch"});
  }
  out.push_back(Note{"epoch-installed", "epoch " + std::to_string(install.epoch.value) + " with " +
                                            std::to_string(install.members.size()) + " members"});

  const bool held = role_ != Role::Out && role_ != Role::Standby;
  snapshot_.clear();
  const std::vector<EspSpi> vpe_before = replica_.vpe().all();
  vpe_.installed();
  const Changes changes = replica_.install(install);
  ended_at_ = kBeginning;
  if (install.reference == kNobody) exposure_.begin_empty(now);
  if (install.reference == kNobody || !replica_.current()) vpe_.state_lost(vpe_before);
  // A handover counts for as long as the old owner is here to say that it knows of it.
  const EpochMember* old = install.find(moved_from_.node);
  if (moved_at_ && !changes.owner_changed && old != nullptr && old->process == moved_from_) {
    moved_at_ = kBeginning;
  } else if (moved_at_) {
    moved_at_.reset();
    wait_from_.reset();
  }
  // Owner of a new state is another thing than owner of the old one.
  if (held && changes.owner_changed && mine()) give_up(Role::Standby, "the state has begun anew", out);
  yield(out);
  begin_grants(mine() && !held && !changes.owner_changed);
  // Likewise what charon has reported: it is in the state that all begin with.
  output_.begin_epoch();
  puts_.begin_epoch();
  take_effect(changes, out);
  if (role_ == Role::Leaving) {
    proposals_.cancel_move();
    enter(Role::Lapsed, "the move did not come about", out);
  }
  if (replica_.current() && (!mine() || changes.owner_changed)) discard_proposals(out);
  if (install.reference == kNobody || to_reconcile_) reconcile(true, out);
  const bool someone_needs = std::ranges::any_of(install.members, &EpochMember::needy);
  if (install.reference == settings_.self.node && someone_needs) {
    for (Snapshot& part : replica_.snapshot()) snapshot_.push_back(std::move(part));
    for (std::size_t i = 0; i < kPartsAtOnce; ++i) send_snapshot(out);
  }
  // Whoever joins may have held the address without this node (decision 0008), and hosts have learnt it
  // there.
  if (role_ == Role::Owner) announcements_.begin_anew(now);
  progressed(out);
  beat(now, out);
}

// The next part: each that the ring has taken makes room for one.
void Node::send_snapshot(Actions& out) {
  if (snapshot_.empty()) return;
  send(std::move(snapshot_.front()), out);
  snapshot_.pop_front();
}

void Node::apply(Process from, std::uint64_t number, const Entry& entry, Instant now, Actions& out) {
  Changes changes;
  const Process was = replica_.owner();
  if (!agreement_.frozen()) changes = replica_.apply(from, number, entry);
  const bool effective = changes.counted && !changes.refused;
  const bool own_vped = from == settings_.self && std::holds_alternative<VpeBegin>(entry.body);
  if (!changes.counted) ++counted_.void_entries;
  if (!changes.counted && own_vped) vpe_.void_entry();
  bool known_to_charon = true;
  if (from == settings_.self) {
    known_to_charon = proposals_.delivered(number, changes.counted);
    if (std::holds_alternative<Move>(entry.body) && !effective && role_ == Role::Leaving) {
      enter(Role::Lapsed, "the move was refused", out);
    }
  }
  if (!effective) return;
  const bool moved_here = changes.owner_changed && mine();
  if (moved_here) {
    moved_at_ = replica_.mark().index;
    moved_from_ = was;
  }
  yield(out);
  take_effect(changes, out);
  rekey_vpe(changes.shared, own_vped, out);
  if (mine()) put_upserted(changes.upserted, known_to_charon, out);
  if (moved_here) begin_taking(true, out);
  progressed(out);
  beat(now, out);
}

// What this node says of its state. Until it has confirmed the epoch it speaks of the beginning only, with
// the beginning's digest: entries may follow at once, and the others must be able to compare.
StateMark Node::reported() const {
  StateMark mark = replica_.mark();
  if (!agreement_.confirmed()) {
    mark.index = kBeginning - 1;
    mark.digest = replica_.beginning_digest();
  }
  return mark;
}

// The state has advanced: compare with what the others report.
void Node::progressed(Actions& out) {
  if (!in_epoch_ || !replica_.current()) return;
  const StateMark mark = replica_.mark();
  const Epoch epoch = agreement_.current()->epoch;
  // A snapshot brings the entries since the beginning at once: who is still there is compared all the same.
  if (stability_.stable() < kBeginning) stability_.reached(kBeginning, replica_.beginning_digest());
  stability_.reached(mark.index, mark.digest);
  stability_.reported(settings_.self, epoch, reported().index, reported().digest);
  const bool enough_whole = agreement_.of_two() ? stability_.agreed(replica_.owner().node) > 0
                                                : stability_.whole() >= agreement_.majority();
  if (!agreement_.confirmed() && enough_whole) {
    for (AgreementAction& action : agreement_.confirm()) out.push_back(std::get<Persist>(action));
    stability_.reported(settings_.self, epoch, mark.index, mark.digest);
  }
  stable_grants(out);
}

Heartbeat Node::heartbeat(Instant now) {
  Heartbeat heartbeat{.from = settings_.self,
                      .number = ++heartbeat_number_,
                      .sent_ns = static_cast<std::uint64_t>(now.count()),
                      .ready = ready_,
                      .deaf = deaf(now),
                      .refused = static_cast<std::uint32_t>(refused_.size())};
  if (in_epoch_) {
    heartbeat.epoch = agreement_.current()->epoch;
    if (replica_.current()) {
      heartbeat.index = reported().index;
      heartbeat.digest = reported().digest;
    }
    if (replica_.current()) heartbeat.owner = replica_.owner();
    heartbeat.windows_held = marks_.held(heartbeat.owner);
  }
  if (reigns(role_)) {
    heartbeat.let_in = exposure_.let_in();
    heartbeat.counted_ns = static_cast<std::uint64_t>(exposure_.counted_at().count());
    heartbeat.peak = exposure_.peak();
  }
  return heartbeat;
}

void Node::beat(Instant now, Actions& out) {
  if (!in_epoch_ && agreement_.candidates().empty()) return;
  Heartbeat said = heartbeat(now);
  if (in_epoch_) {
    // Nothing is honoured in an epoch before this node has it on disk (decision 0001).
    if (agreement_.confirmed()) said.acks = permission_.honoured();
    said.heard = hearsay_.marks(said.owner);
    // What they give back to the owner is for the owner; its own heartbeats have its count in that place.
    if (said.owner == settings_.self) {
      for (Mark& mark : said.heard) mark.honours_ns = 0;
    }
  }
  out.push_back(SendHeartbeat{std::move(said)});
}

// What a member has said, whoever passed it on.
void Node::learn(Epoch epoch, const Mark& mark, Process owner, Instant now) {
  if (!hearsay_.learn(epoch, mark, owner)) return;
  silence_.heard(mark.of.node, mark.deaf, now);
  permission_.heard(mark.of, epoch, mark.sent_ns);
  if (mark.honours_ns != 0) permission_.acknowledged(mark.of, epoch, {owner, mark.honours_ns});
  stability_.reported(mark.of, epoch, mark.index, mark.digest);
}

Actions Node::on_heartbeat(const Heartbeat& heartbeat, Instant now) {
  Actions out;
  solitude_.seen(now);
  silence_.heard(heartbeat.from.node, heartbeat.deaf, now);
  if (agreement_.in_group(heartbeat.from.node)) {
    following_.heard(heartbeat.epoch, heartbeat.index);
  }
  hear_windows(heartbeat, now, out);
  if (in_epoch_) {
    const std::uint64_t stable = stability_.stable();
    const bool was_confirmed = agreement_.confirmed();
    for (const Ack& ack : heartbeat.acks) permission_.acknowledged(heartbeat.from, heartbeat.epoch, ack);
    learn(heartbeat.epoch, mark_of(heartbeat, heartbeat.owner), heartbeat.owner, now);
    hearsay_.learn_refused(heartbeat.from, heartbeat.refused);
    for (const Mark& mark : heartbeat.heard) learn(heartbeat.epoch, mark, heartbeat.owner, now);
    progressed(out);
    // Others wait for what has just become true: say it now, not at the next tick.
    const bool news = stability_.stable() != stable || agreement_.confirmed() != was_confirmed;
    if (answers(heartbeat.from, now) || news) beat(now, out);
  }
  settle(now, out);
  flush(out);
  return out;
}

// The owner's permission counts from what is acknowledged: it hears so at once, and this node's next tick,
// which would say the same, says nothing. An owner that has much to say is not answered each time.
bool Node::answers(Process from, Instant now) {
  if (!replica_.current() || mine() || from != replica_.owner() || now - answered_ < settings_.heartbeat / 2)
    return false;
  answered_ = now;
  return true;
}

// Hears no majority: takes part in nothing, and is no judge of others' silence.
bool Node::deaf(Instant now) const {
  return !agreement_.of_two() &&
         1 + silence_.heard_within(settings_.fence.fence, now) < agreement_.majority();
}

void Node::accuse(Instant now, Actions& out) {
  const std::vector<NodeId> silent = silence_.silent(now);
  std::set<NodeId> accused(silent.begin(), silent.end());
  for (const NodeId node : agreement_.overdue(now)) accused.insert(node);
  if (accused.empty() || deaf(now) || now - last_accused_ < settings_.evict_after) return;
  last_accused_ = now;
  for (const NodeId node : accused) carry(agreement_.suspect(node), now, out);
}

// A member that has missed what the others have had would hold up all that must become stable.
void Node::find_back(Instant now, Actions& out) {
  if (!agreement_.is_candidate(settings_.self.node)) {  // evicted: it asks to come back already
    following_.restart();
    return;
  }
  Following::Position here{.parts = replica_.parts()};
  if (in_epoch_) here.epoch = agreement_.current()->epoch;
  if (in_epoch_ && replica_.current())
    here.agreed = mine() ? replica_.mark().index : stability_.agreed(replica_.owner().node);
  if (!following_.astray(here, now)) return;
  ++counted_.resyncs;
  out.push_back(Note{"resync", "the others are ahead, and this node has not come nearer for too long"});
  out.push_back(Rejoin{});
}

Actions Node::on_tick(Instant now) {
  Actions out;
  // If this process itself stood still, it has not read what the others sent meanwhile.
  const Duration gap = now - last_tick_;
  if (last_tick_ != Instant{} && gap > 3 * settings_.heartbeat) {
    silence_.forgive(gap, now);
    following_.forgive(gap, now);
    solitude_.forgive(gap, now);
    agreement_.forgive(gap, now);
  }
  last_tick_ = now;
  know_keeper(false);
  carry(agreement_.on_tick(now), now, out);
  if (!agreement_.candidates().empty()) accuse(now, out);
  find_back(now, out);
  watch_the_other(now, out);
  settle(now, out);
  rekey_exposed(now, out);
  ask_fresh(now, out);
  tell_again(now, out);
  if (now - answered_ >= settings_.heartbeat) beat(now, out);
  flush(out);
  return out;
}

void Node::flush(Actions& out) {
  if (!mine() || agreement_.frozen()) return;
  for (Entry& entry : proposals_.due(agreement_.current()->epoch, replica_.contexts())) {
    proposals_.sent(message_number_ + 1, entry);
    send(std::move(entry), out);
  }
  if (auto commit = output_.settle(proposals_.settled(), replica_.mark().index, stability_.stable())) {
    out.push_back(*commit);
  }
}

Actions Node::on_ring_lost(Instant now) {
  Actions out;
  agreement_.on_ring_lost();
  know_keeper(true);
  in_epoch_ = false;
  quorate_ = false;
  silence_.watch({}, now);
  out.push_back(Note{"ring-lost", "the connection to corosync is gone"});
  settle(now, out);
  return out;
}

Actions Node::on_quorate(bool quorate, Instant now) {
  Actions out;
  quorate_ = quorate;
  settle(now, out);
  return out;
}

}  // namespace hasync::hasyncd
