#include "vped/adapters/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hasync::vped {
namespace {

using testing::HasSubstr;
using testing::Not;

Snapshot two_workers() {
  KnownTunnel branch{
      .tunnel = {.name = "branch", .peer = Address::v4(192, 0, 2, 2), .spi_in = EspSpi{0xc0ffee01}},
      .place = vpe::Place{.node = 2, .incarnation = 4},
      .keys = "file"};
  TunnelStatus first, second;
  first.sent.packets = 7;
  first.sent.bytes = 700;
  second.sent.packets = 5;
  second.received.drops[static_cast<std::size_t>(vpe::Drop::Forged)] = 3;
  first.sending = {{{vpe::kUnicast, vpe::window_id({.node = 2, .incarnation = 4}, 0)}, 8}};
  second.receiving = {{{vpe::SenderId{9}, vpe::window_id({.core = 1}, 2)}, 77},
                      {{vpe::SenderId{9}, vpe::window_id({.core = 1}, 3)}, 1}};
  WorkerStatus one{.read = 12, .told_too_big = 2, .tunnels = {{}, first}}, two{.tunnels = {{}, second}};
  two.drops[static_cast<std::size_t>(Cause::NoTunnel)] = 6;
  return {"vpe0", "ipsec-mb", 2, true, {std::nullopt, branch}, {one, two}};
}

TEST(VpedMetrics, OfATunnelAreThoseOfAllWorkersTogether) {
  const std::string text = metrics_text(two_workers());
  const std::string tunnel = R"({tunnel="branch",in_spi="c0ffee01")";
  const std::string lines[] = {
      "vped_tunnels 1",
      "vped_charon_connected 1",
      "vped_tunnel_incarnations_left" + tunnel + "} 27",
      "vped_tunnel_packets_total" + tunnel + R"(,direction="sent"} 12)",
      "vped_tunnel_bytes_total" + tunnel + R"(,direction="sent"} 700)",
      "vped_tunnel_windows" + tunnel + R"(,direction="received"} 2)",
      "vped_tunnel_dropped_packets_total" + tunnel + R"(,direction="received",cause="forged"} 3)",
      R"(vped_worker_packets_total{worker="0",where="inside_read"} 12)",
      R"(vped_worker_dropped_packets_total{worker="1",cause="no-tunnel"} 6)"};
  for (const std::string& line : lines) EXPECT_THAT(text, HasSubstr(line + "\n"));
}

TEST(VpedMetrics, AllThatThereAreAreServed) {
  const std::string text = metrics_text(two_workers());
  for (const std::string& name : metric_names()) EXPECT_THAT(text, HasSubstr("# TYPE " + name + " "));
}

TEST(VpedMetrics, WhatHasNoPartIsAbsent) {
  Snapshot now = two_workers();
  now.charon.reset();
  now.tunnels[1]->place.reset();
  const std::string text = metrics_text(now);
  EXPECT_THAT(text, Not(HasSubstr("charon_connected")));
  EXPECT_THAT(text, Not(HasSubstr("incarnations_left")));
}

}  // namespace
}  // namespace hasync::vped
