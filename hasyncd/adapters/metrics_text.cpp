#include "hasyncd/adapters/metrics_text.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/adapters/metrics_page.h"

namespace hasync::hasyncd {
namespace {

using Labels = MetricsPage::Labels;

// docs/metrics.md says what to make of each.
constexpr MetricDefinition kMetrics[] = {
    {"hasyncd_build_info", kGauge, "1; the labels tell who this is."},
    {"hasyncd_uptime_seconds", kGauge, "Since hasyncd began."},
    {"hasyncd_state", kGauge, "1 for the state that this node is in."},
    {"hasyncd_quorate", kGauge, "Whether this part of Corosync's ring has a majority."},
    {"hasyncd_ring_connected", kGauge, "Whether hasyncd is in Corosync's group."},
    {"hasyncd_charon_connected", kGauge, "Whether charon's plugin is connected and has told everything."},
    {"hasyncd_epoch", kGauge, "Number of the installed epoch."},
    {"hasyncd_member_owner", kGauge, "Whether that member owns, by this node's log."},
    {"hasyncd_member_in_epoch", kGauge, "Whether that member takes part."},
    {"hasyncd_member_ready", kGauge, "Whether that member could take over now."},
    {"hasyncd_member_refused_contexts", kGauge, "Contexts that that member's charon refuses."},
    {"hasyncd_member_heartbeat_age_seconds", kGauge, "Since that member's last heartbeat came."},
    {"hasyncd_member_lag_entries", kGauge, "Entries of the log that that member has not acknowledged."},
    {"hasyncd_heartbeats_sent_total", kCounter, "Heartbeats sent, one for each other member."},
    {"hasyncd_heartbeats_received_total", kCounter, "Heartbeats that came and counted."},
    {"hasyncd_takeovers_total", kCounter, "Times that this node has become the owner, by cause."},
    {"hasyncd_fence_open", kGauge, "Whether packets may pass here."},
    {"hasyncd_fence_margin_seconds", kGauge, "Time left on the permission to pass packets."},
    {"hasyncd_fence_least_margin_seconds", kGauge, "Least time left at a renewal since this node owns."},
    {"hasyncd_fence_length_seconds", kGauge, "Length of the permission when it is given."},
    {"hasyncd_lapses_total", kCounter, "Times that the permission ran out while this node owned."},
    {"hasyncd_log_index", kGauge, "Entries of the log applied here, in this epoch."},
    {"hasyncd_log_lag_entries", kGauge, "Entries applied here that are not stable yet."},
    {"hasyncd_log_stable_seconds", kHistogram, "From a proposal to its stability."},
    {"hasyncd_entries_void_total", kCounter, "Entries that came when their epoch had ended."},
    {"hasyncd_resyncs_total", kCounter, "Times that this node had lost the thread of the log."},
    {"hasyncd_messages_refused_total", kCounter,
     "Messages and heartbeats of others that were dropped, by reason."},
    {"hasyncd_messages_unsent_total", kCounter, "Messages that Corosync did not take."},
    {"hasyncd_contexts", kGauge, "IKE_SAs that the log has a context of."},
    {"hasyncd_tunnels_unprotected", kGauge, "Tunnels that the loss of this node would end."},
    {"hasyncd_lease_headroom_numbers", kGauge, "Least numbers left in a lease of any outbound SA."},
    {"hasyncd_lease_overruns_total", kCounter, "Times that an SA was found past its lease."},
    {"hasyncd_numbers_unset_total", kCounter,
     "Outbound numbers that could not be set in the kernel, by reason."},
    {"hasyncd_gate_passed_packets_total", kCounter, "Packets that the gate let pass."},
    {"hasyncd_gate_dropped_packets_total", kCounter, "Packets that the gate dropped, by reason."},
    {"hasyncd_gate_bypasses_total", kCounter, "Outbound SAs whose packets could go past the gate."},
    {"hasyncd_replay_bound_packets", kGauge,
     "Packets, accepted once, that could be accepted again, at most."},
    {"hasyncd_replay_exposed_child_sas", kGauge, "CHILD_SAs of this owner that they could be sent to."},
    {"hasyncd_replay_exposed_vpe_child_sas", kGauge, "VPE CHILD_SAs of which a recording could be replayed."},
    {"hasyncd_charon_puts_total", kCounter, "Contexts installed in charon."},
    {"hasyncd_charon_put_seconds", kGauge, "Time inside charon of the newest install."},
    {"hasyncd_charon_refused_total", kCounter, "Requests that charon's plugin refused."},
    {"hasyncd_output_messages_total", kCounter,
     "IKE packets that waited for the log, by what became of them."},
    {"hasyncd_clock_steps_total", kCounter, "Times that the wall clock was set by a second or more."},
    {"hasyncd_suspensions_total", kCounter, "Times that the machine was found to have been suspended."},
    {"hasyncd_control_denied_total", kCounter,
     "Connections and requests at the control socket that were denied."},
};

// Counters of the status (docs/control.md), and where they go.
struct CounterPlace {
  const char* counter;
  const char* metric;
  const char* label;  // nullptr: none
  const char* value;
};
constexpr CounterPlace kCounters[] = {
    {"heartbeats_sent", "hasyncd_heartbeats_sent_total", nullptr, nullptr},
    {"heartbeats_received", "hasyncd_heartbeats_received_total", nullptr, nullptr},
    {"takeovers_lost", "hasyncd_takeovers_total", "cause", "lost"},
    {"takeovers_handed_over", "hasyncd_takeovers_total", "cause", "handed_over"},
    {"takeovers_by_operator", "hasyncd_takeovers_total", "cause", "operator"},
    {"takeovers_from_silence", "hasyncd_takeovers_total", "cause", "silence"},
    {"takeovers_first", "hasyncd_takeovers_total", "cause", "first"},
    {"takeovers_resumed", "hasyncd_takeovers_total", "cause", "resumed"},
    {"lapses", "hasyncd_lapses_total", nullptr, nullptr},
    {"entries_void", "hasyncd_entries_void_total", nullptr, nullptr},
    {"resyncs", "hasyncd_resyncs_total", nullptr, nullptr},
    {"ring_unsealed", "hasyncd_messages_refused_total", "reason", "unsealed"},
    {"ring_malformed", "hasyncd_messages_refused_total", "reason", "malformed"},
    {"ring_replayed", "hasyncd_messages_refused_total", "reason", "replayed"},
    {"ring_unsent", "hasyncd_messages_unsent_total", nullptr, nullptr},
    {"lease_overruns", "hasyncd_lease_overruns_total", nullptr, nullptr},
    {"numbers_vanished", "hasyncd_numbers_unset_total", "reason", "vanished"},
    {"numbers_refused", "hasyncd_numbers_unset_total", "reason", "refused"},
    {"gate_bypasses", "hasyncd_gate_bypasses_total", nullptr, nullptr},
    {"put_total", "hasyncd_charon_puts_total", nullptr, nullptr},
    {"charon_refused", "hasyncd_charon_refused_total", nullptr, nullptr},
    {"output_held", "hasyncd_output_messages_total", "fate", "held"},
    {"output_dropped", "hasyncd_output_messages_total", "fate", "dropped"},
    {"output_early", "hasyncd_output_messages_total", "fate", "early"},
    {"clock_steps", "hasyncd_clock_steps_total", nullptr, nullptr},
    {"suspensions", "hasyncd_suspensions_total", nullptr, nullptr},
    {"control_denied", "hasyncd_control_denied_total", nullptr, nullptr},
};

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

void add_node(const NodeStatus& node, MetricsPage& page) {
  page.set("hasyncd_build_info", 1,
           {{"version", node.version}, {"cluster", node.cluster}, {"node", node.name}, {"role", node.role}});
  page.set("hasyncd_uptime_seconds", seconds(node.up));
  for (const char* state : {"out", "standby", "taking", "owner", "lapsed", "leaving"})
    page.set("hasyncd_state", node.state == state ? 1 : 0, {{"state", state}});
  page.set("hasyncd_quorate", node.quorate ? 1 : 0);
  page.set("hasyncd_ring_connected", node.ring_connected ? 1 : 0);
  page.set("hasyncd_charon_connected", node.charon_connected ? 1 : 0);
  page.set("hasyncd_epoch", static_cast<double>(node.epoch.value));
  page.set("hasyncd_log_index", static_cast<double>(node.index));
  page.set("hasyncd_log_lag_entries", static_cast<double>(node.index - std::min(node.index, node.stable)));
  page.set("hasyncd_contexts", static_cast<double>(node.tunnels - node.unprotected));
  page.set("hasyncd_tunnels_unprotected", static_cast<double>(node.unprotected));
  page.set("hasyncd_fence_open", node.fence.open ? 1 : 0);
  page.set("hasyncd_fence_margin_seconds", seconds(node.fence.margin));
  if (node.fence.least_margin)
    page.set("hasyncd_fence_least_margin_seconds", seconds(*node.fence.least_margin));
  page.set("hasyncd_fence_length_seconds", seconds(node.fence.length));
  if (node.role == "witness") return;
  if (node.replay_bound) page.set("hasyncd_replay_bound_packets", static_cast<double>(*node.replay_bound));
  page.set("hasyncd_replay_exposed_child_sas", static_cast<double>(node.replay_exposed));
  page.set("hasyncd_replay_exposed_vpe_child_sas", static_cast<double>(node.replay_exposed_vpe));
}

void add_member(const MemberStatus& member, std::uint64_t index, MetricsPage& page) {
  const Labels labels = {{"member", member.name}};
  page.set("hasyncd_member_owner", member.owner ? 1 : 0, labels);
  page.set("hasyncd_member_in_epoch", member.in_epoch ? 1 : 0, labels);
  page.set("hasyncd_member_ready", member.ready ? 1 : 0, labels);
  page.set("hasyncd_member_refused_contexts", static_cast<double>(member.refused), labels);
  if (member.last_heartbeat_ago)
    page.set("hasyncd_member_heartbeat_age_seconds", seconds(*member.last_heartbeat_ago), labels);
  if (member.in_epoch)
    page.set("hasyncd_member_lag_entries", static_cast<double>(index - std::min(index, member.index)),
             labels);
}

// "egress_no_fence"
void add_gate(const std::string& name, double value, MetricsPage& page) {
  for (const std::string direction : {"egress", "ingress"}) {
    if (name.rfind(direction + "_", 0) != 0) continue;
    const std::string reason = name.substr(direction.size() + 1);
    if (reason == "passed") {
      page.set("hasyncd_gate_passed_packets_total", value, {{"direction", direction}});
    } else {
      page.set("hasyncd_gate_dropped_packets_total", value, {{"direction", direction}, {"reason", reason}});
    }
  }
}

void add_counter(const std::string& name, double value, MetricsPage& page) {
  constexpr double kNanoseconds = 1e9;
  if (name == "put_last_ns") return page.set("hasyncd_charon_put_seconds", value / kNanoseconds);
  const auto place = std::ranges::find(kCounters, name, &CounterPlace::counter);
  if (place == std::end(kCounters)) return add_gate(name, value, page);
  page.set(place->metric, value, place->label == nullptr ? Labels{} : Labels{{place->label, place->value}});
}

void add_histogram(const Histogram& from, MetricsPage& page) {
  auto& to = page.add("hasyncd_log_stable_seconds", {}).histogram;
  to.sample_sum = from.sum;
  for (std::size_t i = 0; i < from.counts.size(); ++i) {
    to.sample_count += from.counts.at(i);
    to.bucket.push_back({to.sample_count, i < Histogram::kBounds.size()
                                              ? Histogram::kBounds.at(i)
                                              : std::numeric_limits<double>::infinity()});
  }
}

}  // namespace

std::string metrics_text(const MetricsStatus& status) {
  MetricsPage page(kMetrics);
  add_node(status.node, page);
  for (const MemberStatus& member : status.node.members) add_member(member, status.node.index, page);
  for (const auto& [name, value] : status.node.counters) add_counter(name, static_cast<double>(value), page);
  add_histogram(status.stable_times, page);
  if (status.lease_headroom)
    page.set("hasyncd_lease_headroom_numbers", static_cast<double>(*status.lease_headroom));
  return page.text();
}

std::vector<std::string> metric_names() {
  return names_of(kMetrics);
}

}  // namespace hasync::hasyncd
