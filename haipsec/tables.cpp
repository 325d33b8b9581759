#include "haipsec/tables.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "haipsec/display.h"

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;

const ordered_json& member(const ordered_json& from, const char* key) {
  static const ordered_json kNone;
  if (!from.is_object()) return kNone;
  const auto found = from.find(key);
  return found == from.end() ? kNone : *found;
}

// Texts come from peers and configuration.
std::string text(const ordered_json& from, const char* key) {
  const ordered_json& value = member(from, key);
  if (value.is_string() && !value.get_ref<const std::string&>().empty())
    return printable(value.get_ref<const std::string&>());
  return value.is_number() ? value.dump() : "-";
}

bool flag(const ordered_json& from, const char* key) {
  const ordered_json& value = member(from, key);
  return value.is_boolean() && value.get<bool>();
}

std::string yes(const ordered_json& from, const char* key) {
  return flag(from, key) ? "yes" : "no";
}

std::int64_t number(const ordered_json& from, const char* key) {
  const ordered_json& value = member(from, key);
  return value.is_number() ? value.get<std::int64_t>() : 0;
}

std::string duration(std::int64_t seconds) {
  const std::int64_t minutes = seconds / 60;
  if (minutes >= 1440) return std::to_string(minutes / 1440) + "d " + std::to_string(minutes / 60 % 24) + "h";
  if (minutes >= 60) return std::to_string(minutes / 60) + "h " + std::to_string(minutes % 60) + "m";
  return minutes > 0 ? std::to_string(minutes) + "m " + std::to_string(seconds % 60) + "s"
                     : std::to_string(seconds) + "s";
}

std::string milliseconds(std::int64_t microseconds) {
  std::array<char, 40> out{};
  std::snprintf(out.data(), out.size(), "%.1f ms", static_cast<double>(microseconds) / 1000.0);
  return out.data();
}

std::string heartbeat(const ordered_json& node) {
  if (flag(node, "self")) return "this node";
  return member(node, "last_heartbeat_ago_ms").is_number() ? text(node, "last_heartbeat_ago_ms") + " ms ago"
                                                           : "never";
}

Cell standing(const ordered_json& node) {
  if (flag(node, "owner")) return {"owner", Colour::Green};
  if (!flag(node, "in_ring")) return {"absent", Colour::Yellow};
  if (!flag(node, "candidate")) return {"evicted", Colour::Yellow};
  if (!flag(node, "in_epoch")) return "joining";
  return flag(node, "ready") ? "standby, ready" : "member";
}

Cell place(const ordered_json& node) {
  const std::int64_t refused = number(node, "refused");
  if (refused == 0) return standing(node);
  return {standing(node).text + ", refuses " + std::to_string(refused), Colour::Yellow};
}

Cell protection(const ordered_json& tunnel) {
  if (flag(tunnel, "protected")) return "yes";
  return {text(tunnel, "reason") == "-" ? "no" : "no: " + text(tunnel, "reason"), Colour::Yellow};
}

Cell state(const ordered_json& status) {
  const std::string name = text(status, "state");
  if (name == "owner") return {name, Colour::Green};
  return {name, name == "out" || name == "lapsed" ? Colour::Red : Colour::None};
}

Cell ring(const ordered_json& status) {
  const bool connected = flag(status, "ring_connected"), quorate = flag(status, "quorate");
  return {std::string(connected ? "connected" : "NOT CONNECTED") + (quorate ? ", quorate" : ", NOT QUORATE"),
          connected && quorate ? Colour::None : Colour::Red};
}

Cell charon(const ordered_json& status) {
  if (text(status, "role") == "witness") return "none (witness)";
  if (flag(status, "charon_connected")) return "connected";
  return {"NOT CONNECTED", Colour::Red};
}

Cell tunnel_count(const ordered_json& status) {
  const std::string known = std::to_string(number(status, "tunnels"));
  const std::int64_t unprotected = number(status, "unprotected");
  if (unprotected == 0) return known;
  return {known + ", " + std::to_string(unprotected) + " NOT PROTECTED", Colour::Yellow};
}

std::string spis(const ordered_json& tunnel) {
  return text(tunnel, "initiator_spi") + "_i " + text(tunnel, "responder_spi") + "_r";
}

std::string owner_name(const ordered_json& status) {
  const ordered_json& members = member(status, "members");
  for (const ordered_json& node : members.is_array() ? members : ordered_json::array()) {
    if (flag(node, "owner")) return text(node, "name");
  }
  return text(status, "owner") == "-" ? "nobody" : "node " + text(status, "owner");
}

std::string fence_text(const ordered_json& fence) {
  if (!flag(fence, "open")) return "closed";
  std::string out = "open, " + milliseconds(number(fence, "margin_us")) + " left";
  if (member(fence, "least_margin_us").is_number())
    out += ", at a renewal never less than " + milliseconds(number(fence, "least_margin_us"));
  return out;
}

// Packets that were accepted once and could be again.
std::string esp_replay_text(const ordered_json& replay) {
  const bool known = member(replay, "bound").is_number();
  const std::string packets = (known ? text(replay, "bound") : "an unknown number of") + " packets";
  const std::int64_t open = number(replay, "child_sas");
  if (open != 0) return packets + " to " + std::to_string(open) + " CHILD_SAs, until these are rekeyed";
  if (known && number(replay, "bound") == 0) return "nothing is open";
  return packets + ", if this node took over now";
}

std::string replay_text(const ordered_json& status) {
  if (text(status, "role") == "witness") return "none (witness)";
  const ordered_json& replay = member(status, "replay");
  const std::int64_t vpe = number(replay, "vpe_child_sas");
  return esp_replay_text(replay) +
         (vpe == 0 ? "" : "; any recording of " + std::to_string(vpe) + " VPE CHILD_SAs");
}

Cell margin(const ordered_json& relation) {
  if (flag(relation, "holds")) return text(relation, "margin");
  return {text(relation, "margin") + " DOES NOT HOLD", Colour::Red};
}

std::string relations_text(const ordered_json& status, const Look& look) {
  const ordered_json& relations = member(status, "relations");
  if (!relations.is_array() || relations.empty()) return "";
  Rows rows{{"RELATION", "SETTING", "VALUE", "AT LEAST", "MARGIN"}};
  for (const ordered_json& r : relations) {
    const std::string unit = " " + text(r, "unit");
    rows.push_back(
        {text(r, "name"), text(r, "what"), text(r, "value") + unit, text(r, "least") + unit, margin(r)});
  }
  return "\n" + table_text(rows, look);
}

// Causes that have happened.
void add_drops(Rows& rows, const std::string& where, const ordered_json& drops) {
  if (!drops.is_object()) return;
  for (const auto& [cause, count] : drops.items())
    if (count.is_number() && count != 0) rows.push_back({where, printable(cause), count.dump()});
}

const ordered_json& list(const ordered_json& from, const char* key) {
  static const ordered_json kEmpty = ordered_json::array();
  const ordered_json& value = member(from, key);
  return value.is_array() ? value : kEmpty;
}

void add_windows(Rows& rows, const ordered_json& tunnel, bool sending) {
  for (const ordered_json& w : list(tunnel, sending ? "sending_windows" : "receiving_windows"))
    rows.push_back({text(tunnel, "name"), sending ? "next" : "top", text(w, "sender"), text(w, "node"),
                    text(w, "incarnation"), text(w, "core"), text(w, "class"), text(w, "worker"),
                    sending && text(w, "next") == "-" ? "spent" : text(w, sending ? "next" : "top")});
}

// In a cluster none is there until the log has given one.
std::string incarnation_text(const ordered_json& tunnel) {
  if (!member(tunnel, "incarnation").is_number()) return "receives only";
  return text(tunnel, "incarnation") + " (" + text(tunnel, "incarnations_left") + " left)";
}

}  // namespace

std::string vpe_text(const ordered_json& status, const Look& look) {
  Rows tunnels{{"TUNNEL", "PEER", "IN SPI", "KEYS FROM", "SENDS", "MTU", "INCARNATION", "SENT", "RECEIVED"}};
  Rows windows{{"TUNNEL", "NUMBER", "SENDER", "NODE", "INCARNATION", "CORE", "CLASS", "WORKER", ""}};
  Rows drops{{"DROPPED BY", "CAUSE", "PACKETS"}};
  for (const ordered_json& t : list(status, "tunnels")) {
    const std::string name = text(t, "name");
    tunnels.push_back({name, text(t, "peer"), text(t, "in_spi"), text(t, "keys"), yes(t, "sends"),
                       text(t, "mtu"), incarnation_text(t), text(member(t, "sent"), "packets"),
                       text(member(t, "received"), "packets")});
    for (const bool sending : {true, false}) add_windows(windows, t, sending);
    add_drops(drops, name + ", sending", member(member(t, "sent"), "drops"));
    add_drops(drops, name + ", receiving", member(member(t, "received"), "drops"));
  }
  const ordered_json& workers = list(status, "workers");
  for (std::size_t i = 0; i < workers.size(); ++i)
    add_drops(drops, "worker " + std::to_string(i), member(workers[i], "drops"));
  return "vped " + text(status, "version") + " on " + text(status, "interface") + ": node " +
         text(status, "node") + ", " + std::to_string(workers.size()) + " workers, AES-GCM by " +
         text(status, "cipher") + "\n\n" + table_text(tunnels, look) + "\n" + table_text(windows, look) +
         (drops.size() > 1 ? "\n" + table_text(drops, look) : "");
}

std::string nodes_text(const ordered_json& status, const Look& look) {
  Rows rows{{"ID", "NAME", "ROLE", "STATE", "HEARTBEAT", "ENTRIES"}};
  const ordered_json& members = member(status, "members");
  for (const ordered_json& node : members.is_array() ? members : ordered_json::array()) {
    rows.push_back({text(node, "id"), text(node, "name"), text(node, "role"), place(node), heartbeat(node),
                    text(node, "index")});
  }
  return table_text(rows, look);
}

std::string status_text(const ordered_json& status, const Look& look) {
  std::string out = facts_text(
      {
          {"cluster", text(status, "cluster")},
          {"this node", text(status, "name") + " (id " + text(status, "node") + ", " + text(status, "role") +
                            "), up " + duration(number(status, "up_s"))},
          {"state", state(status)},
          {"owner", owner_name(status) + ", changed " + text(status, "owner_changes") + " times"},
          {"fence", fence_text(member(status, "fence"))},
          {"ring", ring(status)},
          {"charon", charon(status)},
          {"log", "epoch " + text(status, "epoch") + ", " + text(status, "index") + " entries, " +
                      text(status, "stable") + " stable"},
          {"replay", replay_text(status)},
          {"tunnels", tunnel_count(status)},
      },
      look);
  const ordered_json& warnings = member(status, "warnings");
  for (const ordered_json& warning : warnings.is_array() ? warnings : ordered_json::array()) {
    if (warning.is_string())
      out += painted("warning:", Colour::Yellow, look) + " " + printable(warning.get<std::string>()) + "\n";
  }
  return out + "\n" + nodes_text(status, look) + relations_text(status, look);
}

std::string TunnelTable::page(const ordered_json& tunnels, const Look& look) {
  Rows rows;
  if (widths_.empty())
    rows.push_back({"CONNECTION", "PEER", "IDENTITY", "IKE_SA", "CHILDREN", "HERE", "PROTECTED"});
  for (const ordered_json& t : tunnels) {
    rows.push_back({text(t, "connection"), text(t, "peer"), text(t, "remote_id"), spis(t),
                    text(t, "children"), text(t, "here"), protection(t)});
  }
  return table_text(rows, look, widths_);
}

namespace {

std::string leases_text(const ordered_json& leases, const Look& look) {
  if (!leases.is_array() || leases.empty()) return {};
  Rows rows{{"OUTBOUND SA", "SPI", "USED", "LEASED BELOW", "ESN"}};
  for (const ordered_json& l : leases) {
    rows.push_back({text(l, "address"), text(l, "spi"), text(l, "used"), text(l, "end"), yes(l, "esn")});
  }
  return "\n" + table_text(rows, look);
}

// Who sends on VPE's SAs, and as what.
std::string shares_text(const ordered_json& children, const Look& look) {
  if (!children.is_array() || children.empty()) return {};
  Rows rows{{"VPE: no lease", "NODE", "PLACE", "INCARNATION"}};
  for (const ordered_json& child : children) {
    const ordered_json& nodes = member(child, "nodes");
    if (!nodes.is_array() || nodes.empty()) rows.push_back({text(child, "spi"), "nobody sends"});
    for (const ordered_json& node : nodes.is_array() ? nodes : ordered_json::array())
      rows.push_back(
          {text(child, "spi"), text(node, "node"), text(node, "place"), text(node, "incarnation")});
  }
  return "\n" + table_text(rows, look);
}

}  // namespace

std::string tunnel_text(const ordered_json& tunnel, const Look& look) {
  const std::string out = facts_text({{"connection", text(tunnel, "connection")},
                                      {"IKE_SA", spis(tunnel)},
                                      {"peer", text(tunnel, "peer") + " " + text(tunnel, "remote_id")},
                                      {"children", text(tunnel, "children")},
                                      {"protected", protection(tunnel)},
                                      {"owner", "node " + text(tunnel, "owner")},
                                      {"here", text(tunnel, "here")},
                                      {"version", text(tunnel, "version")}},
                                     look);
  return out + leases_text(member(tunnel, "leases"), look) + shares_text(member(tunnel, "vpe"), look);
}

namespace {

Cell level(const ordered_json& finding) {
  if (text(finding, "level") == "ok") return "ok";
  if (text(finding, "level") == "error") return {"ERROR", Colour::Red};
  return {"WARNING", Colour::Yellow};
}

}  // namespace

std::string findings_text(const ordered_json& reply, const Look& look) {
  Rows rows;
  const ordered_json& findings = member(reply, "findings");
  for (const ordered_json& finding : findings.is_array() ? findings : ordered_json::array()) {
    rows.push_back({level(finding), text(finding, "id"), text(finding, "what")});
    if (text(finding, "level") != "ok") rows.push_back({"", "", "-> " + text(finding, "do")});
  }
  return facts_text(rows, look);
}

std::string keys_text(const ordered_json& keys, const Look& look) {
  const auto listed = [](const ordered_json& from) {
    std::string out;
    for (const ordered_json& key : member(from, "keys")) {
      if (key.is_string()) out += (out.empty() ? "" : " ") + printable(key.get<std::string>());
    }
    return out.empty() ? std::string("not heard") : out;
  };
  Rows rows{{"NODE", "KEYS", "SEALS WITH"}};
  rows.push_back({"this node", listed(keys), text(keys, "seals_with")});
  for (const ordered_json& other : member(keys, "members")) {
    rows.push_back({text(other, "name"), listed(other), text(other, "seals_with")});
  }
  std::string out = facts_text(rows, look);
  for (const auto& [key, count] : member(keys, "contexts").items()) {
    out += count.dump() + " contexts are sealed with " + printable(key) + "\n";
  }
  if (member(keys, "keys").size() > 1) {
    const std::string needed = text(keys, "needed");
    out += needed == "-" ? "older keys are not needed any more: haipsec key retire\n"
                         : "older keys are still needed: " + needed + "\n";
  }
  return out;
}

}  // namespace hasync::haipsec
