#include "vped/adapters/metrics_text.h"

#include "base/adapters/metrics_page.h"
#include "vpe/window_id.h"

namespace hasync::vped {
namespace {

using Labels = MetricsPage::Labels;

// docs/metrics.md says what to make of each.
constexpr MetricDefinition kMetrics[] = {
    {"vped_build_info", kGauge, "1; the labels tell who this is."},
    {"vped_charon_connected", kGauge, "Whether charon's plugin is connected."},
    {"vped_tunnels", kGauge, "Tunnels that this vped has."},
    {"vped_tunnel_sends", kGauge, "Whether this vped sends on that tunnel."},
    {"vped_tunnel_incarnations_left", kGauge, "Starts that are left under that tunnel's key."},
    {"vped_tunnel_windows", kGauge, "Windows in use, by direction."},
    {"vped_tunnel_packets_total", kCounter, "Packets that were sealed or opened, by direction."},
    {"vped_tunnel_bytes_total", kCounter, "Bytes of inner packets, by direction."},
    {"vped_tunnel_dropped_packets_total", kCounter,
     "Packets that an engine refused, by direction and cause."},
    {"vped_worker_packets_total", kCounter, "Packets that passed a worker, by where."},
    {"vped_worker_handed_over_packets_total", kCounter, "Packets that belonged to another worker."},
    {"vped_worker_told_too_big_total", kCounter, "Senders that were told that a packet does not fit."},
    {"vped_worker_dropped_packets_total", kCounter, "Packets that went no further, by cause."},
};

double number(std::uint64_t count) {
  return static_cast<double>(count);
}

Labels with(Labels labels, std::string name, std::string value) {
  labels.push_back({std::move(name), std::move(value)});
  return labels;
}

void add_flow(const Flow& flow, const Labels& labels, MetricsPage& page) {
  page.set("vped_tunnel_packets_total", number(flow.packets), labels);
  page.set("vped_tunnel_bytes_total", number(flow.bytes), labels);
  for (std::size_t i = 1; i < flow.drops.size(); ++i)
    page.set("vped_tunnel_dropped_packets_total", number(flow.drops[i]),
             with(labels, "cause", vpe::name(static_cast<vpe::Drop>(i))));
}

// During a rekey two tunnels have one name: the SPI that this end has chosen tells them apart.
Labels labels_of(const Tunnel& tunnel) {
  return {{"tunnel", tunnel.name}, {"in_spi", to_string(tunnel.spi_in)}};
}

// Of all workers together; each window belongs to one.
void add_tunnel(const KnownTunnel& known, std::size_t place, const std::vector<WorkerStatus>& workers,
                MetricsPage& page) {
  const Labels labels = labels_of(known.tunnel);
  TunnelStatus sum;
  std::size_t sending = 0, receiving = 0;
  for (const WorkerStatus& worker : workers) {
    const TunnelStatus& one = worker.tunnels[place];
    sum.sent.add(one.sent);
    sum.received.add(one.received);
    sending += one.sending.size();
    receiving += one.receiving.size();
  }
  page.set("vped_tunnel_sends", known.tunnel.sends ? 1 : 0, labels);
  if (known.place)
    page.set("vped_tunnel_incarnations_left", vpe::kIncarnations - 1 - known.place->incarnation, labels);
  page.set("vped_tunnel_windows", number(sending), with(labels, "direction", "sent"));
  page.set("vped_tunnel_windows", number(receiving), with(labels, "direction", "received"));
  add_flow(sum.sent, with(labels, "direction", "sent"), page);
  add_flow(sum.received, with(labels, "direction", "received"), page);
}

void add_worker(const WorkerStatus& worker, const Labels& labels, MetricsPage& page) {
  const auto passed = [&](const char* where, std::uint64_t count) {
    page.set("vped_worker_packets_total", number(count), with(labels, "where", where));
  };
  passed("inside_read", worker.read);
  passed("inside_written", worker.written);
  passed("outside_received", worker.received);
  passed("outside_sent", worker.sent);
  page.set("vped_worker_handed_over_packets_total", number(worker.handed_over), labels);
  page.set("vped_worker_told_too_big_total", number(worker.told_too_big), labels);
  for (std::size_t i = 0; i < worker.drops.size(); ++i)
    page.set("vped_worker_dropped_packets_total", number(worker.drops[i]),
             with(labels, "cause", name(static_cast<Cause>(i))));
}

}  // namespace

std::string metrics_text(const Snapshot& now) {
  MetricsPage page(kMetrics);
  page.set("vped_build_info", 1,
           {{"version", HASYNC_VERSION}, {"interface", now.interface}, {"cipher", now.cipher}});
  if (now.charon) page.set("vped_charon_connected", *now.charon ? 1 : 0);
  std::size_t tunnels = 0;
  for (std::size_t place = 0; place < now.tunnels.size(); ++place) {
    if (!now.tunnels[place]) continue;
    ++tunnels;
    add_tunnel(*now.tunnels[place], place, now.workers, page);
  }
  page.set("vped_tunnels", number(tunnels));
  for (std::size_t i = 0; i < now.workers.size(); ++i)
    add_worker(now.workers[i], {{"worker", std::to_string(i)}}, page);
  return page.text();
}

std::vector<std::string> metric_names() {
  return names_of(kMetrics);
}

}  // namespace hasync::vped
