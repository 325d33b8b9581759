#include "haipsec/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "haipsec/tunnels.h"
#include "hasyncd/adapters/status_json.h"
#include "vped/adapters/status_json.h"

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;
using namespace hasyncd;
using namespace std::chrono_literals;

// What hasyncd would send, through its own encoder: both sides must agree on names.
ordered_json sent(const ControlAnswer& answer) {
  return ordered_json::parse(to_line(answer));
}

NodeStatus owner_status() {
  NodeStatus s;
  s.version = "0.1.0";
  s.cluster = "branch";
  s.node = NodeId{1};
  s.name = "gw1";
  s.role = "gateway";
  s.state = "owner";
  s.owner = NodeId{1};
  s.epoch = Epoch{12};
  s.index = 345;
  s.stable = 344;
  s.ring_connected = s.quorate = s.charon_connected = true;
  s.fence = {true, 71230us, 61030us};
  s.relations = {{"fence-heartbeats", "fence.fence_ms", "why", "ms", 80, 40},
                 {"evict-detection", "fence.evict_after_ms", "why", "ms", 80, 143}};
  s.tunnels = 12;
  s.replay_bound = 0;
  s.owner_changes = 2;
  s.up = 3h + 2min;
  s.members = {
      {NodeId{1}, "gw1", "gateway", true, true, true, true, true, true, {}, 345},
      {NodeId{2}, "gw2", "gateway", false, true, true, true, false, true, 4ms, 344},
      {NodeId{3}, "witness", "witness", false, true, false, false, false, false, 900ms, 0},
      {NodeId{4}, "gw4", "", false, false, false, false, false, false, {}, 0},
  };
  return s;
}

TEST(Tables, StatusOfAnOwner) {
  EXPECT_EQ(status_text(sent(owner_status())["status"]),
            "cluster    branch\n"
            "this node  gw1 (id 1, gateway), up 3h 2m\n"
            "state      owner\n"
            "owner      gw1, changed 2 times\n"
            "fence      open, 71.2 ms left, at a renewal never less than 61.0 ms\n"
            "ring       connected, quorate\n"
            "charon     connected\n"
            "log        epoch 12, 345 entries, 344 stable\n"
            "replay     nothing is open\n"
            "tunnels    12\n"
            "\n"
            "ID  NAME     ROLE     STATE           HEARTBEAT   ENTRIES\n"
            "1   gw1      gateway  owner           this node   345\n"
            "2   gw2      gateway  standby, ready  4 ms ago    344\n"
            "3   witness  witness  evicted         900 ms ago  0\n"
            "4   gw4      -        absent          never       0\n"
            "\n"
            "RELATION          SETTING               VALUE  AT LEAST  MARGIN\n"
            "fence-heartbeats  fence.fence_ms        80 ms  40 ms     40\n"
            "evict-detection   fence.evict_after_ms  80 ms  143 ms    -63 DOES NOT HOLD\n");
}

TEST(Tables, AMemberIsShownWithWhatItsCharonRefuses) {
  NodeStatus s = owner_status();
  s.members[1].refused = 7;
  EXPECT_THAT(status_text(sent(s)["status"]),
              testing::HasSubstr("gateway  standby, ready, refuses 7  4 ms ago"));
}

TEST(Tables, StatusShowsWhatCouldBeReplayed) {
  NodeStatus s = owner_status();
  const auto line = [&s](std::optional<std::uint64_t> bound, std::size_t child_sas) {
    s.replay_bound = bound;
    s.replay_exposed = child_sas;
    const std::string text = status_text(sent(s)["status"]);
    const std::size_t begin = text.find("replay ");
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  EXPECT_EQ(line(90, 2), "replay     90 packets to 2 CHILD_SAs, until these are rekeyed");
  EXPECT_EQ(line({}, 1), "replay     an unknown number of packets to 1 CHILD_SAs, until these are rekeyed");
  s.state = "standby";
  EXPECT_EQ(line(90, 0), "replay     90 packets, if this node took over now");
  EXPECT_EQ(line({}, 0), "replay     an unknown number of packets, if this node took over now");
  s.replay_exposed_vpe = 3;
  EXPECT_EQ(line(0, 0), "replay     nothing is open; any recording of 3 VPE CHILD_SAs");
  s.role = "witness";
  EXPECT_EQ(line({}, 0), "replay     none (witness)");
}

TEST(Tables, StatusShowsWhatIsWrong) {
  NodeStatus s = owner_status();
  s.state = "out";
  s.owner.reset();
  s.members.clear();
  s.ring_connected = s.quorate = s.charon_connected = false;
  s.fence = {};
  s.unprotected = 3;
  s.warnings = {"two members: no takeover"};
  const std::string text = status_text(sent(s)["status"]);
  for (const char* line :
       {"owner      nobody", "fence      closed", "NOT CONNECTED, NOT QUORATE", "charon     NOT CONNECTED",
        "12, 3 NOT PROTECTED", "warning: two members: no takeover\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << " in\n" << text;
  }
}

TEST(Tables, ColoursShowTheOwnerAndWhatIsWrong) {
  const std::string well = status_text(sent(owner_status())["status"], {.colours = true});
  for (const char* part : {"state      \x1b[32mowner\x1b[0m\n", "\x1b[33mevicted\x1b[0m",
                           "\x1b[33mabsent\x1b[0m", "\x1b[31m-63 DOES NOT HOLD\x1b[0m"})
    EXPECT_THAT(well, testing::HasSubstr(part));
  NodeStatus s = owner_status();
  s.state = "lapsed";
  s.quorate = s.charon_connected = false;
  s.unprotected = 3;
  s.warnings = {"two members"};
  const std::string wrong = status_text(sent(s)["status"], {.colours = true});
  for (const char* part :
       {"\x1b[31mlapsed\x1b[0m", "\x1b[31mconnected, NOT QUORATE\x1b[0m", "\x1b[31mNOT CONNECTED\x1b[0m",
        "\x1b[33m12, 3 NOT PROTECTED\x1b[0m", "\x1b[33mwarning:\x1b[0m two members"})
    EXPECT_THAT(wrong, testing::HasSubstr(part));
  EXPECT_EQ(status_text(sent(s)["status"]).find('\x1b'), std::string::npos);
}

TEST(Tables, FindingsAreColouredAndWhole) {
  const ordered_json found = ordered_json::parse(
      R"({"findings":[{"level":"ok","id":"a","what":"well"},{"level":"warning","id":"b","what":"w","do":"x"},
          {"level":"error","id":"c","what":"e","do":"a remedy that is long"}]})");
  const std::string text = findings_text(found, {.width = 20, .colours = true});
  for (const char* part : {"ok       a  well\n", "\x1b[33mWARNING\x1b[0m  b  w\n",
                           "\x1b[31mERROR\x1b[0m    c  e\n", "-> a remedy that is long\n"})
    EXPECT_THAT(text, testing::HasSubstr(part));
}

TunnelStatus tunnel() {
  TunnelStatus t;
  t.sa = {0xabc, 0xdef};
  t.connection = "branch-7";
  t.peer = Address::v4(198, 51, 100, 7);
  t.remote_id = "peer7.example";
  t.children = 1;
  t.version = 9;
  t.leases = {{{t.peer, EspSpi{0xc0ffee}}, true, 1000, 65536}};
  t.is_protected = true;
  t.owner = NodeId{2};
  t.here = "passive";
  return t;
}

TEST(Tables, Tunnels) {
  TunnelStatus open = tunnel();
  open.is_protected = false;
  open.reason = "keys not known yet";
  open.remote_id.clear();
  EXPECT_EQ(
      TunnelTable().page(sent(TunnelPage{{tunnel(), open}, {}})["tunnels"]),
      "CONNECTION  PEER          IDENTITY       IKE_SA                                 CHILDREN  HERE     "
      "PROTECTED\n"
      "branch-7    198.51.100.7  peer7.example  0000000000000abc_i 0000000000000def_r  1         passive  "
      "yes\n"
      "branch-7    198.51.100.7  -              0000000000000abc_i 0000000000000def_r  1         passive  "
      "no: keys not known yet\n");
}

TEST(Tables, OfVpeThereIsNoLeaseButWhoSends) {
  TunnelStatus vpe = tunnel();
  vpe.leases.clear();
  vpe.vpe = {{EspSpi{0xc2}, {{NodeId{1}, 0, 1}, {NodeId{2}, 1, 0}}}, {EspSpi{0xc3}, {}}};
  const std::string text = tunnel_text(sent(vpe)["tunnel"]);
  EXPECT_THAT(text, testing::HasSubstr("VPE: no lease  NODE          PLACE  INCARNATION\n"
                                       "000000c2       1             0      1\n"
                                       "000000c2       2             1      0\n"
                                       "000000c3       nobody sends\n"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("LEASED")));
}

TEST(Tables, ALongListKeepsItsColumnsFromPageToPage) {
  TunnelTable table;
  TunnelStatus other = tunnel();
  other.connection = "a-longer-name";
  const std::string first = table.page(sent(TunnelPage{{tunnel()}, {}})["tunnels"]);
  const std::string second = table.page(sent(TunnelPage{{other, tunnel()}, {}})["tunnels"]);
  const std::string third = table.page(sent(TunnelPage{{tunnel()}, {}})["tunnels"]);
  EXPECT_EQ(first.find("CONNECTION  PEER"), 0U);
  EXPECT_EQ(second.find("a-longer-name  198.51.100.7"), 0U);
  EXPECT_EQ(third.find("branch-7       198.51.100.7"), 0U);
}

TEST(Tunnels, AreSelectedByPeerAndState) {
  TunnelStatus open = tunnel();
  open.connection = "branch-8";
  open.is_protected = false;
  open.here = "active";
  const auto all = sent(TunnelPage{{tunnel(), open}, {}})["tunnels"];
  const auto names = [&](const std::string& peer, const std::string& state) {
    std::string out;
    for (const auto& t : selected(all, peer, state)) out += t["connection"].get<std::string>() + " ";
    return out;
  };
  EXPECT_EQ(names("", ""), "branch-7 branch-8 ");
  EXPECT_EQ(names("198.51.100.7", ""), "branch-7 branch-8 ");
  EXPECT_EQ(names("peer7.example", "passive"), "branch-7 ");
  EXPECT_EQ(names("branch-8", ""), "branch-8 ");
  EXPECT_EQ(names("", "unprotected"), "branch-8 ");
  EXPECT_EQ(names("branch-7", "active"), "");
}

TEST(Tables, OneTunnelWithItsLeases) {
  EXPECT_EQ(tunnel_text(sent(tunnel())["tunnel"]),
            "connection  branch-7\n"
            "IKE_SA      0000000000000abc_i 0000000000000def_r\n"
            "peer        198.51.100.7 peer7.example\n"
            "children    1\n"
            "protected   yes\n"
            "owner       node 2\n"
            "here        passive\n"
            "version     9\n"
            "\n"
            "OUTBOUND SA   SPI       USED  LEASED BELOW  ESN\n"
            "198.51.100.7  00c0ffee  1000  65536         yes\n");
}

// What vped would send, through its own encoder.
TEST(Tables, TunnelsOfVpedWithWindowsAndDrops) {
  vped::KnownTunnel branch{
      .tunnel = {.name = "branch", .peer = Address::v4(192, 0, 2, 2), .spi_in = EspSpi{0xc0ffee01}},
      .place = vpe::Place{.node = 2, .incarnation = 4},
      .keys = "charon: home/branch"};
  vped::TunnelStatus first{.mtu = 1440}, second;
  first.sent.packets = 7;
  second.sent.packets = 5;
  second.received.drops[static_cast<std::size_t>(vpe::Drop::Forged)] = 3;
  first.sending = {{{vpe::kUnicast, vpe::window_id({.node = 2, .incarnation = 4}, 0)}, 8},
                   {{vpe::kUnicast, vpe::window_id({.node = 2, .incarnation = 4}, 3)}, 0}};
  second.receiving = {{{vpe::SenderId{9}, vpe::window_id({.core = 1}, 2)}, 77}};
  vped::WorkerStatus one{.tunnels = {first}}, two{.tunnels = {second}};
  two.drops[static_cast<std::size_t>(vped::Cause::NoTunnel)] = 6;
  const auto shown = [&] {
    return vpe_text(to_json(vped::Snapshot{"vpe0", "ipsec-mb", 0, true, {branch}, {one, two}}));
  };
  const std::string text = shown();
  for (const char* line :
       {"branch  192.0.2.2  c0ffee01  charon: home/branch  yes    1440  4 (27 left)  12    0",
        "branch  next    0       2     4            0     0      0       8",
        "branch  next    0       2     4            0     3      0       spent",
        "branch  top     9       0     0            1     2      1       77",
        "branch, receiving  forged     3", "worker 1           no-tunnel  6"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nin\n" << text;
  branch.place.reset();
  EXPECT_NE(shown().find("receives only"), std::string::npos);
}

TEST(Tables, NonsenseIsShownAsUnknownNotACrash) {
  for (const char* reply : {"{}", "[]", "null", "7",
                            R"({"members":7,"fence":[],"up_s":"x","relations":[7,{}],"warnings":{"a":1}})",
                            R"({"tunnels":[1,{"leases":3}],"leases":[[]],"members":[1,null]})"}) {
    const ordered_json json = ordered_json::parse(reply);
    EXPECT_FALSE(status_text(json).empty());
    EXPECT_FALSE(nodes_text(json).empty());
    EXPECT_FALSE(TunnelTable().page(json).empty());
    EXPECT_TRUE(selected(json, "x", "").empty());
    EXPECT_FALSE(tunnel_text(json).empty());
    EXPECT_FALSE(vpe_text(json).empty());
  }
}

TEST(Tables, NoTextSteersTheTerminal) {
  TunnelStatus t = tunnel();
  t.remote_id = "\x1b[2Jpeer\n";
  const std::string text = TunnelTable().page(sent(TunnelPage{{t}, {}})["tunnels"]);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("?[2Jpeer?"), std::string::npos);
}

}  // namespace
}  // namespace hasync::haipsec
