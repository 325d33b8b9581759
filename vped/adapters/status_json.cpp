#include "vped/adapters/status_json.h"

#include <nlohmann/json.hpp>

#include "vpe/window_id.h"

namespace hasync::vped {
namespace {

using nlohmann::ordered_json;

ordered_json flow_json(const Flow& flow) {
  ordered_json drops = ordered_json::object();
  for (std::size_t i = 1; i < flow.drops.size(); ++i)
    if (flow.drops[i] != 0) drops[vpe::name(static_cast<vpe::Drop>(i))] = flow.drops[i];
  return {{"packets", flow.packets}, {"bytes", flow.bytes}, {"drops", drops}};
}

ordered_json window_json(vpe::WindowName name, std::size_t worker) {
  const vpe::Place place = vpe::place_of(name.window);
  return {{"sender", name.sender.value},         {"node", place.node},
          {"incarnation", place.incarnation},    {"core", place.core},
          {"class", vpe::class_of(name.window)}, {"worker", worker}};
}

// Of all workers together; each window belongs to one.
ordered_json tunnel_json(const KnownTunnel& known, std::size_t index,
                         const std::vector<WorkerStatus>& workers) {
  const Tunnel& tunnel = known.tunnel;
  Flow sent, received;
  ordered_json sending = ordered_json::array(), receiving = ordered_json::array();
  for (std::size_t w = 0; w < workers.size(); ++w) {
    const TunnelStatus& one = workers[w].tunnels[index];
    sent.add(one.sent);
    received.add(one.received);
    for (const SendingWindow& window : one.sending) {
      sending.push_back(window_json(window.name, w));
      sending.back()["next"] = window.next == 0 ? ordered_json(nullptr) : ordered_json(window.next);
    }
    for (const vpe::WindowState& window : one.receiving) {
      receiving.push_back(window_json(window.name, w));
      receiving.back()["top"] = window.top;
    }
  }
  return {{"name", tunnel.name},
          {"peer", to_string(tunnel.peer)},
          {"out_spi", to_string(tunnel.spi_out)},
          {"in_spi", to_string(tunnel.spi_in)},
          {"keys", known.keys},
          {"sends", tunnel.sends},
          {"mtu", workers.empty() ? 0 : workers[0].tunnels[index].mtu},
          {"node", known.place ? ordered_json(known.place->node) : ordered_json(nullptr)},
          {"incarnation", known.place ? ordered_json(known.place->incarnation) : ordered_json(nullptr)},
          {"incarnations_left", known.place ? vpe::kIncarnations - 1 - known.place->incarnation : 0},
          {"sent", flow_json(sent)},
          {"received", flow_json(received)},
          {"sending_windows", sending},
          {"receiving_windows", receiving}};
}

ordered_json worker_json(const WorkerStatus& worker) {
  ordered_json drops = ordered_json::object();
  for (std::size_t i = 0; i < worker.drops.size(); ++i) drops[name(static_cast<Cause>(i))] = worker.drops[i];
  return {{"inside_read", worker.read},
          {"inside_written", worker.written},
          {"outside_received", worker.received},
          {"outside_sent", worker.sent},
          {"handed_over", worker.handed_over},
          {"told_too_big", worker.told_too_big},
          {"drops", drops}};
}

}  // namespace

ordered_json to_json(const Snapshot& now) {
  ordered_json known = ordered_json::array(), each = ordered_json::array();
  for (std::size_t i = 0; i < now.tunnels.size(); ++i)
    if (now.tunnels[i]) known.push_back(tunnel_json(*now.tunnels[i], i, now.workers));
  for (const WorkerStatus& worker : now.workers) each.push_back(worker_json(worker));
  return {{"version", HASYNC_VERSION},
          {"interface", now.interface},
          {"node", now.node},
          {"cipher", now.cipher},
          {"charon", now.charon ? ordered_json(*now.charon ? "connected" : "lost") : ordered_json(nullptr)},
          {"tunnels", known},
          {"workers", each}};
}

}  // namespace hasync::vped
