// What this node's hasyncd knows of itself and of the others.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "haipsec/check/findings.h"

namespace hasync::haipsec {
namespace {

constexpr std::int64_t kClocksApart = 2000;  // ms

std::string times(std::uint64_t count) {
  return count == 1 ? "once" : std::to_string(count) + " times";
}

void check_versions(const ClusterFacts& cluster, const std::string& version, Report& report) {
  if (cluster.version != version) {
    report.warning("version", "hasyncd is " + cluster.version + ", haipsec " + version,
                   "restart hasyncd: a standby at once, an owner after haipsec migrate");
  }
  for (const MemberFact& member : cluster.members) {
    if (!member.answered || member.version == cluster.version) continue;
    report.warning("version",
                   member.name + " runs hasyncd " + member.version + ", this node " + cluster.version,
                   "finish the upgrade on all nodes");
  }
  report.ok("version", cluster.version + ", on all nodes that answer");
}

void check_members(const ClusterFacts& cluster, Report& report) {
  for (const MemberFact& member : cluster.members) {
    if (!member.in_epoch) {
      report.error("members", member.name + " takes no part",
                   "look at its hasyncd and corosync: haipsec check there");
    } else if (!member.answered) {
      report.warning("members", member.name + " did not answer within a second",
                     "its hasyncd, or its charon, is busy or hangs: haipsec check there");
    }
    if (!member.speaks_newer) continue;
    report.error("protocol",
                 member.name + " speaks a newer version of the protocol than this node understands",
                 "upgrade this node: until then it cannot follow what " + member.name + " says");
  }
  report.ok("members", "all " + std::to_string(cluster.members.size()) + " take part");
  report.ok("protocol", "all speak one version of it");
}

void check_strangers(const ClusterFacts& cluster, Report& report) {
  for (const StrangerFact& stranger : cluster.strangers) {
    if (stranger.member.empty()) {
      report.warning("strangers",
                     stranger.address + " is no member, and sends to the port of the heartbeats (" +
                         times(stranger.datagrams) +
                         "): another cluster, or its configuration names this node",
                     "give each cluster its own network or heartbeat.port, and filter the port");
    } else {
      report.error("strangers", "what " + stranger.member + " sends does not open: its key is another one",
                   "haipsec key status on both; give it the key file, then haipsec key reload");
    }
  }
  report.ok("strangers", "nobody else speaks to this node's heartbeats");
}

// Corosync's quorum is not asked there: of two, whoever owns needs nobody (docs/decisions/0008-two-nodes.md).
void check_two(const ClusterFacts& cluster, Report& report) {
  if (std::ranges::all_of(cluster.members, &MemberFact::in_ring))
    return report.ok("quorum", "both gateways are in the ring");
  const auto self = std::ranges::find(cluster.members, true, &MemberFact::self);
  if (self != cluster.members.end() && self->owner)
    return report.ok("quorum", "this node is alone, and owns: of two gateways the owner needs nobody");
  report.error(
      "quorum", "this node is alone, and does not own: of two gateways it passes nothing",
      "bring back the other one, or the network of the ring; if you have seen that it is off: haipsec "
      "takeover --other-is-off");
}

void check_quorum(const ClusterFacts& cluster, Report& report) {
  if (!cluster.ring_connected) {
    return report.error("quorum", "hasyncd is not connected to corosync", "systemctl start corosync");
  }
  if (cluster.members.size() == 2) return check_two(cluster, report);
  if (!cluster.quorate) {
    return report.error("quorum", "this part of the ring has no majority: it passes nothing",
                        "start the other nodes, or repair the network of the ring");
  }
  report.ok("quorum", "this part of the ring has a majority");
}

std::string remedy_of(const std::string& state) {
  const std::string why = "; /usr/share/doc/hasyncd/messages.md explains the states (role-changed)";
  if (state == "lapsed")
    return "no majority answers it: start the other nodes, or repair the network between them" + why;
  return "it should be over in a second; if not: journalctl -u hasyncd, and haipsec check on the others" +
         why;
}

void check_owner(const ClusterFacts& cluster, Report& report) {
  const auto owner = std::ranges::find(cluster.members, true, &MemberFact::owner);
  if (owner == cluster.members.end()) {
    return report.error("owner", "nobody owns the tunnels",
                        "a gateway must be ready: haipsec nodes, and start its charon");
  }
  if (owner->self && cluster.state != "owner") {
    report.error("owner", "this node owns the tunnels, but is " + cluster.state + ": it passes nothing",
                 remedy_of(cluster.state));
  }
  report.ok("owner", owner->name);
  const bool relieved = std::ranges::any_of(
      cluster.members, [](const MemberFact& m) { return !m.owner && m.role == "gateway" && m.ready; });
  if (relieved) return report.ok("standby", "another gateway is ready to take over");
  report.error("standby", "no other gateway is ready to take over from " + owner->name,
               "haipsec check on the other gateways: its charon must run, and hold every context");
}

void check_fence(const ClusterFacts& cluster, Report& report) {
  const std::string least = std::to_string(cluster.least_margin_us / 1000) + " of " +
                            std::to_string(cluster.fence_us / 1000) + " ms";
  if (cluster.least_margin_us == 0) {
    report.ok("fence", "is closed here");
  } else if (cluster.least_margin_us < cluster.fence_us / 4) {
    report.warning("fence", "was renewed with only " + least + " left: heartbeats are late or lost",
                   "look for load and for losses on the network of the ring, or raise fence.fence_ms");
  } else {
    report.ok("fence", "never less than " + least + " were left at a renewal");
  }
}

void check_gate(const ClusterFacts& cluster, Report& report) {
  if (!cluster.gateway) return;
  if (!cluster.gate_problem.empty())
    report.error("gate", cluster.gate_problem, "find out who changed it, then restart hasyncd");
  if (cluster.bypassed != 0) {
    report.error(
        "gate",
        "stays closed for " + std::to_string(cluster.bypassed) +
            " outbound SAs whose packets could go past it: " + cluster.first_bypassed,
        "hw_offload = no for their children, or find out what has changed them (ip xfrm state); then "
        "swanctl --rekey --child NAME");
  }
  std::string names;
  for (const std::string& interface : cluster.interfaces) names += (names.empty() ? "" : ", ") + interface;
  report.ok("gate", "packets are checked on " + names);
}

void check_tunnels(const ClusterFacts& cluster, Report& report) {
  if (cluster.unprotected == 0)
    return report.ok("tunnels", std::to_string(cluster.tunnels) + ", all known to the cluster");
  report.warning("tunnels",
                 std::to_string(cluster.unprotected) + " of " + std::to_string(cluster.tunnels) +
                     " would end with this node",
                 "haipsec tunnels tells why, for each; most mend themselves within a rekey");
}

void check_refused(const ClusterFacts& cluster, Report& report) {
  for (const MemberFact& member : cluster.members) {
    if (member.refused == 0) continue;
    report.error(
        "refused",
        member.name + "'s charon refuses " + std::to_string(member.refused) + " of " +
            std::to_string(cluster.tunnels) + " contexts: it could not carry their tunnels",
        "haipsec check there, and charon-refused in its log, tell why; it is asked again every 15 s");
  }
  report.ok("refused", "no charon refuses a context");
}

using Children = std::set<std::string>;

std::map<std::string, Children> connections_of(const ctx::CharonSetup& charon) {
  std::map<std::string, Children> out;
  for (const auto& connection : charon.connections) {
    // One name may stand for several configurations.
    out[connection.name].insert(connection.children.begin(), connection.children.end());
  }
  return out;
}

// `"a", "b", "c" and 7 more`
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 3;
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i) out += (i == 0 ? "" : ", ") + names[i];
  return names.size() <= kMost ? out : out + " and " + std::to_string(names.size() - kMost) + " more";
}

// What `has` has and `lacks` does not.
void compare(const MemberFact& has, const MemberFact& lacks, Report& report) {
  const auto there = connections_of(*lacks.charon);
  std::vector<std::string> missing;
  for (const auto& [name, children] : connections_of(*has.charon)) {
    const auto found = there.find(name);
    if (found == there.end()) {
      if (lacks.charon->left_out == 0) missing.push_back("connection \"" + name + "\"");
      continue;
    }
    for (const std::string& child : children) {
      if (!found->second.contains(child)) missing.push_back("child \"" + child + "\" of \"" + name + "\"");
    }
  }
  if (missing.empty()) return;
  report.error("connections", "of what " + has.name + " has, " + lacks.name + " lacks " + listed(missing),
               "give all gateways the same swanctl configuration, then swanctl --load-all on " + lacks.name);
}

void compare_ranges(const MemberFact& one, const MemberFact& other, Report& report) {
  if (one.charon->spi_max < other.charon->spi_min || other.charon->spi_max < one.charon->spi_min) return;
  report.error("spi-ranges",
               one.name + " and " + other.name + " choose SPIs from one range: both may choose the same",
               "charon.spi_min and spi_max in strongswan.conf: another range on each gateway, then restart "
               "strongswan");
}

void check_charons(const ClusterFacts& cluster, Report& report) {
  std::vector<const MemberFact*> gateways;
  for (const MemberFact& member : cluster.members) {
    if (member.answered && member.charon) gateways.push_back(&member);
  }
  for (const MemberFact* one : gateways) {
    if (one->charon->left_out != 0) {
      report.warning("connections",
                     one->name + " has too many to be compared: " + std::to_string(one->charon->left_out) +
                         " were left out",
                     "compare the output of swanctl --list-conns yourself");
    }
    for (const MemberFact* other : gateways) {
      if (one != other) compare(*one, *other, report);
      if (one < other) compare_ranges(*one, *other, report);
    }
  }
  if (gateways.size() < 2) return;
  report.ok("connections", "the same on all gateways");
  report.ok("spi-ranges", "each gateway has its own");
}

void check_clocks(const ClusterFacts& cluster, Report& report) {
  for (const MemberFact& member : cluster.members) {
    const std::int64_t apart = std::abs(member.clock_ahead_ms) - member.clock_uncertain_ms;
    if (!member.answered || apart < kClocksApart) continue;
    report.warning("clocks",
                   "the clock of " + member.name + " is " +
                       std::to_string(std::abs(member.clock_ahead_ms) / 1000) + " s " +
                       (member.clock_ahead_ms > 0 ? "ahead of" : "behind") + " this one",
                   "let a time daemon set both: hasyncd does not need it, but certificates and logs do");
  }
  report.ok("clocks", "of the nodes agree within 2 s");
  if (cluster.clock_steps == 0)
    return report.ok("clock-steps", "this node's clock was not set since hasyncd began");
  report.warning("clock-steps",
                 "this node's clock was set by more than a second, " + times(cluster.clock_steps) +
                     " since hasyncd began",
                 "let a time daemon slew it; the log tells when (clock-stepped)");
}

}  // namespace

void check_cluster(const ClusterFacts& cluster, const std::string& version, Report& report) {
  report.ok("hasyncd", "runs, as " + cluster.state);
  check_versions(cluster, version, report);
  check_members(cluster, report);
  check_strangers(cluster, report);
  check_quorum(cluster, report);
  check_owner(cluster, report);
  check_fence(cluster, report);
  check_gate(cluster, report);
  check_tunnels(cluster, report);
  check_refused(cluster, report);
  check_charons(cluster, report);
  check_clocks(cluster, report);
}

}  // namespace hasync::haipsec
