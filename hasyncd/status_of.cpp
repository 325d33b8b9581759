#include "hasyncd/status_of.h"

#include <algorithm>

#include "hasyncd/tunnels_of.h"

namespace hasync::hasyncd {

namespace {

using std::chrono::duration_cast;

std::vector<MemberStatus> members_of(const Daemon& daemon, Instant at) {
  const Node& node = daemon.node();
  const auto& epoch = node.agreement().current();
  std::vector<MemberStatus> out;
  for (const Config::Member& member : daemon.config().members) {
    const EpochMember* installed = epoch ? epoch->find(member.id) : nullptr;
    MemberStatus status{.id = member.id, .name = member.name, .self = member.id == daemon.config().node};
    if (installed != nullptr) status.role = installed->gateway ? "gateway" : "witness";
    status.in_ring = node.agreement().in_group(member.id);
    status.candidate = node.agreement().is_candidate(member.id);
    status.in_epoch = installed != nullptr;
    status.owner = node.replica().current() && node.replica().owner().node == member.id;
    status.ready = node.ready(member.id);
    if (const auto last = node.silence().last_heard(member.id)) {
      status.last_heartbeat_ago = duration_cast<std::chrono::milliseconds>(at - *last);
    }
    status.index = node.stability().agreed(member.id);
    status.refused = node.refused(member.id);
    out.push_back(std::move(status));
  }
  return out;
}

void add_counters(const Daemon& daemon, NodeStatus& out) {
  const LinkCounters& link = daemon.link_counters();
  const Takeovers::Counts& taken = daemon.takeovers();
  const NodeCounts& counted = daemon.node().counted();
  out.counters = {{"ring_unsealed", link.unsealed},
                  {"ring_replayed", link.replayed},
                  {"ring_malformed", link.malformed},
                  {"ring_unsent", link.unsent},
                  {"heartbeats_sent", link.heartbeats_sent},
                  {"heartbeats_received", link.heartbeats_received},
                  {"takeovers_lost", taken.lost},
                  {"takeovers_handed_over", taken.handed_over},
                  {"takeovers_by_operator", taken.by_operator},
                  {"takeovers_from_silence", taken.from_silence},
                  {"takeovers_first", taken.first},
                  {"takeovers_resumed", taken.resumed},
                  {"lapses", counted.lapses},
                  {"suspensions", counted.suspensions},
                  {"clock_steps", daemon.clock_steps().count()},
                  {"entries_void", counted.void_entries},
                  {"resyncs", counted.resyncs},
                  {"lease_overruns", counted.lease_overruns}};
  if (const CharonLink* charon = daemon.charon()) {
    out.counters.emplace_back("put_total", charon->times().puts);
    out.counters.emplace_back("put_last_ns", charon->times().put_ns);
    out.counters.emplace_back("charon_refused", charon->times().failed);
    out.counters.emplace_back("output_held", charon->commits().held);
    out.counters.emplace_back("output_dropped", charon->commits().dropped);
    out.counters.emplace_back("output_early", charon->commits().early);
  }
  if (const auto numbers = daemon.number_failures()) {
    out.counters.emplace_back("numbers_vanished", numbers->vanished + counted.numbers_vanished);
    out.counters.emplace_back("numbers_refused", numbers->refused);
  }
  if (const auto bypasses = daemon.bypasses()) out.counters.emplace_back("gate_bypasses", *bypasses);
  const auto gate = daemon.gate_counters();
  if (!gate) return;
  for (std::size_t i = 0; i < clusterip::kReasons; ++i) {
    const auto reason = static_cast<clusterip::Reason>(i);
    out.counters.emplace_back("egress_" + std::string(clusterip::to_string(reason)), gate->egress[reason]);
    out.counters.emplace_back("ingress_" + std::string(clusterip::to_string(reason)), gate->ingress[reason]);
  }
}

FenceStatus fence_of(const Node& node, Duration length, Instant at) {
  if (node.role() != Role::Owner || node.deadline() <= at)
    return {.length = duration_cast<std::chrono::microseconds>(length)};
  FenceStatus out{true,
                  duration_cast<std::chrono::microseconds>(node.deadline() - at),
                  {},
                  duration_cast<std::chrono::microseconds>(length)};
  if (const auto least = node.least_margin())
    out.least_margin = duration_cast<std::chrono::microseconds>(*least);
  return out;
}

std::vector<RelationStatus> relations_of(const Daemon& daemon) {
  std::optional<RingTimes> ring;
  if (daemon.ring_settings()) ring = daemon.ring_settings()->times;
  std::vector<RelationStatus> out;
  for (const Relation& relation : relations(daemon.config(), ring)) {
    const Rule& rule = *relation.rule;
    out.push_back({rule.name, rule.what, rule.limit, rule.unit, relation.value, relation.least});
  }
  return out;
}

std::vector<std::string> warnings_of(const Daemon& daemon) {
  std::vector<std::string> out;
  const Node& node = daemon.node();
  const bool of_two = daemon.config().members.size() == 2;
  if (of_two && daemon.config().two_node == Config::TwoNode::Available) {
    out.emplace_back(
        "two gateways and no witness, two_node = available: one owner is not promised, and a takeover from "
        "silence ends all tunnels");
    const auto& epoch = node.agreement().current();
    if (epoch && epoch->lone() && node.role() == Role::Owner)
      out.emplace_back("the other gateway is not seen: if it is on, both may be active now");
  } else if (of_two) {
    out.emplace_back(
        "two gateways and no witness: nothing is taken over from a node that is silent; if it is off, say "
        "haipsec takeover --other-is-off");
  } else if (!node.quorate()) {
    out.emplace_back("corosync is not quorate here, or not running");
  }
  if (node.role() == Role::Lapsed) out.emplace_back("no majority answers: this node is silent");
  const Duration fence = daemon.config().fence;
  if (node.least_margin() && *node.least_margin() < fence / 4)
    out.emplace_back(
        "the fence was renewed with less than a quarter of it left: heartbeats are late or lost");
  const bool owns = node.role() == Role::Owner || node.role() == Role::Taking;
  const bool relieved = std::ranges::any_of(daemon.config().members, [&](const Config::Member& member) {
    return member.id != daemon.config().node && node.ready(member.id);
  });
  if (owns && !relieved) out.emplace_back("no other gateway is ready to take over");
  for (const Config::Member& member : daemon.config().members) {
    const std::size_t refused = node.refused(member.id);
    if (refused != 0)
      out.emplace_back(member.name + "'s charon refuses " + std::to_string(refused) +
                       " contexts: haipsec check there");
  }
  return out;
}

}  // namespace

NodeStatus node_status(const Daemon& daemon) {
  const Node& node = daemon.node();
  const Config& config = daemon.config();
  const Instant at = now();
  NodeStatus out{.version = HASYNC_VERSION,
                 .cluster = config.cluster_name,
                 .node = config.node,
                 .name = config.self().name};
  out.role = config.role == Config::Role::Gateway ? "gateway" : "witness";
  out.state = to_string(node.role());
  if (node.replica().current() && node.replica().owner().node != kNobody)
    out.owner = node.replica().owner().node;
  if (node.agreement().current()) out.epoch = node.agreement().current()->epoch;
  out.promised = node.agreement().promised();
  out.index = node.replica().mark().index;
  out.stable = node.stability().stable();
  out.ring_connected = !node.agreement().candidates().empty();
  out.quorate = node.quorate();
  out.charon_connected = node.synced();
  out.fence = fence_of(node, config.fence, at);
  out.relations = relations_of(daemon);
  out.members = members_of(daemon, at);
  out.unprotected = count_unprotected(daemon);
  out.tunnels = count_tunnels(daemon);
  out.replay_bound = node.replay_bound(at);
  out.replay_exposed = node.exposed();
  out.replay_exposed_vpe = node.exposed_vpe();
  out.warnings = warnings_of(daemon);
  out.owner_changes = node.counted().moves;
  out.up = duration_cast<std::chrono::seconds>(at - daemon.started());
  add_counters(daemon, out);
  return out;
}

MetricsStatus metrics_status(const Daemon& daemon, NodeStatus node) {
  MetricsStatus out{.node = std::move(node), .stable_times = daemon.stable_times()};
  if (daemon.node().role() != Role::Owner) return out;
  const auto& leases = daemon.node().replica().leases();
  for (const OutboundNumber& top : daemon.left()) {
    const auto lease = leases.find(top.key);
    if (lease == leases.end()) continue;
    const std::uint64_t left = lease->second.end - std::min(lease->second.end, top.used + 1);
    out.lease_headroom = std::min(out.lease_headroom.value_or(left), left);
  }
  return out;
}

namespace {

// What was said longer ago than this may have been put right.
constexpr std::chrono::seconds kRecent{60};

std::string member_at(const Config& config, const Address& address) {
  const auto member = std::ranges::find(config.members, address, &Config::Member::address);
  return member == config.members.end() ? "" : member->name;
}

MemberAnswer answer_of(const Daemon& daemon, const Config::Member& member) {
  MemberAnswer out{.name = member.name};
  const auto newer = daemon.newer().find(member.id);
  out.speaks_newer =
      newer != daemon.newer().end() && std::chrono::steady_clock::now() - newer->second < kRecent;
  const auto& answers = daemon.inquirer().inquiry().answers();
  const auto answer = answers.find(member.id);
  if (answer == answers.end()) return out;
  out.answered = true;
  out.version = answer->second.about.version;
  out.clock_ahead = duration_cast<std::chrono::milliseconds>(answer->second.clock_ahead);
  out.clock_uncertain = duration_cast<std::chrono::milliseconds>(answer->second.uncertain);
  out.charon = answer->second.about.charon;
  return out;
}

}  // namespace

CheckStatus check_status(const Daemon& daemon) {
  CheckStatus out{.node = node_status(daemon), .interfaces = daemon.config().interfaces};
  for (const Config::Member& member : daemon.config().members)
    out.answers.push_back(answer_of(daemon, member));
  for (const Stranger& stranger : daemon.strangers()) {
    const auto ago = std::chrono::steady_clock::now() - stranger.last;
    if (ago > kRecent) continue;
    out.strangers.push_back({to_string(stranger.address), member_at(daemon.config(), stranger.address),
                             stranger.datagrams, duration_cast<std::chrono::seconds>(ago)});
  }
  if (const Status sound = daemon.check_gate(); !sound) out.gate_problem = sound.error().what;
  const DataPlane::Bypassed bypassed = daemon.bypassed();
  out.bypassed = bypassed.count;
  out.first_bypassed = bypassed.first;
  return out;
}

KeyStatus key_status(const Daemon& daemon) {
  const KeyChoice& choice = daemon.keys();
  const auto names = [](const std::vector<std::uint32_t>& ids) {
    std::vector<std::string> out(ids.size());
    std::ranges::transform(ids, out.begin(), key_id_text);
    return out;
  };
  KeyStatus out{.keys = names(choice.own()), .seals_with = key_id_text(choice.sealing())};
  const std::string& newest = out.keys.back();
  for (const auto& [key, count] : daemon.contexts_by_key()) {
    out.contexts[key_id_text(key)] = count;
    if (key != choice.own().back())
      out.needed = "the log has contexts that are sealed with another key than " + newest;
  }
  for (const Config::Member& member : daemon.config().members) {
    if (member.id == daemon.config().node) continue;
    MemberKeys& to = out.members.emplace_back(MemberKeys{.name = member.name});
    if (!choice.has_moved_on(member.id)) out.needed = member.name + " does not seal with " + newest;
    const auto told = choice.told().find(member.id);
    if (told == choice.told().end()) {
      out.needed = member.name + " was not heard since this hasyncd began";
      continue;
    }
    to.keys = names(told->second.keys);
    to.seals_with = key_id_text(told->second.seals_with);
  }
  return out;
}

}  // namespace hasync::hasyncd
