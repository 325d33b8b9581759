#include "hasyncd/adapters/status_json.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/log_line.h"
#include "base/overloaded.h"

namespace hasync::hasyncd {
namespace {

using nlohmann::json;
using Ordered = nlohmann::ordered_json;

constexpr std::size_t kMostArguments = 16;

const char* code_of(Errc code) {
  switch (code) {
    case Errc::Invalid:
      return "invalid";
    case Errc::Unsupported:
      return "unsupported";
    case Errc::NotFound:
      return "not-found";
    case Errc::Denied:
      return "denied";
    case Errc::Conflict:
      return "conflict";
    case Errc::Busy:
      return "busy";
    case Errc::System:
      break;
  }
  return "system";
}

std::string hex(std::uint64_t value, int digits) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%0*" PRIx64, digits, value);
  return text.data();
}

Ordered optional_node(const std::optional<NodeId>& node) {
  return node ? Ordered(node->value) : Ordered(nullptr);
}

Ordered of(const MemberStatus& m) {
  Ordered out = {{"id", m.id.value},       {"name", m.name},
                 {"role", m.role},         {"self", m.self},
                 {"in_ring", m.in_ring},   {"candidate", m.candidate},
                 {"in_epoch", m.in_epoch}, {"owner", m.owner},
                 {"ready", m.ready},       {"last_heartbeat_ago_ms", nullptr},
                 {"index", m.index},       {"refused", m.refused}};
  if (m.last_heartbeat_ago) out["last_heartbeat_ago_ms"] = m.last_heartbeat_ago->count();
  return out;
}

Ordered of(const FenceStatus& f) {
  Ordered out = {{"open", f.open},
                 {"margin_us", f.margin.count()},
                 {"least_margin_us", nullptr},
                 {"length_us", f.length.count()}};
  if (f.least_margin) out["least_margin_us"] = f.least_margin->count();
  return out;
}

Ordered of(const RelationStatus& r) {
  return {{"name", r.name},
          {"what", r.what},
          {"unit", r.unit},
          {"value", r.value},
          {"least", r.least},
          {"margin", r.value - r.least},
          {"holds", r.value >= r.least},
          {"limit", r.limit}};
}

Ordered of(const NodeStatus& s) {
  Ordered out = {
      {"version", s.version},
      {"cluster", s.cluster},
      {"node", s.node.value},
      {"name", s.name},
      {"role", s.role},
      {"state", s.state},
      {"owner", optional_node(s.owner)},
      {"epoch", s.epoch.value},
      {"promised", s.promised.value},
      {"index", s.index},
      {"stable", s.stable},
      {"ring_connected", s.ring_connected},
      {"quorate", s.quorate},
      {"charon_connected", s.charon_connected},
      {"fence", of(s.fence)},
      {"tunnels", s.tunnels},
      {"unprotected", s.unprotected},
      {"owner_changes", s.owner_changes},
      {"replay",
       {{"bound", nullptr}, {"child_sas", s.replay_exposed}, {"vpe_child_sas", s.replay_exposed_vpe}}},
      {"up_s", s.up.count()},
      {"members", Ordered::array()},
      {"relations", Ordered::array()},
      {"warnings", s.warnings},
      {"counters", Ordered::object()}};
  for (const RelationStatus& relation : s.relations) out["relations"].push_back(of(relation));
  if (s.replay_bound) out["replay"]["bound"] = *s.replay_bound;
  for (const MemberStatus& member : s.members) out["members"].push_back(of(member));
  for (const auto& [name, value] : s.counters) out["counters"][name] = value;
  return out;
}

Ordered of(const LeaseStatus& l) {
  return {{"address", to_string(l.key.address)},
          {"spi", to_string(l.key.spi)},
          {"esn", l.esn},
          {"used", l.used},
          {"end", l.end}};
}

Ordered of(const VpeStatus& v) {
  Ordered out = {{"spi", to_string(v.spi)}, {"nodes", Ordered::array()}};
  for (const VpeStatus::Sender& one : v.nodes)
    out["nodes"].push_back(
        {{"node", one.node.value}, {"place", one.place}, {"incarnation", one.incarnation}});
  return out;
}

Ordered of(const TunnelStatus& t) {
  Ordered out = {{"initiator_spi", hex(t.sa.initiator_spi, 16)},
                 {"responder_spi", hex(t.sa.responder_spi, 16)},
                 {"connection", t.connection},
                 {"peer", to_string(t.peer)},
                 {"remote_id", t.remote_id},
                 {"children", t.children},
                 {"version", t.version},
                 {"protected", t.is_protected},
                 {"reason", t.reason},
                 {"owner", optional_node(t.owner)},
                 {"here", t.here},
                 {"leases", Ordered::array()},
                 {"vpe", Ordered::array()}};
  for (const LeaseStatus& lease : t.leases) out["leases"].push_back(of(lease));
  for (const VpeStatus& child : t.vpe) out["vpe"].push_back(of(child));
  return out;
}

Ordered of(const KeyStatus& k) {
  Ordered out = {{"keys", k.keys},
                 {"seals_with", k.seals_with},
                 {"members", Ordered::array()},
                 {"contexts", k.contexts},
                 {"needed", k.needed}};
  for (const MemberKeys& m : k.members) {
    out["members"].push_back(Ordered{{"name", m.name}, {"keys", m.keys}, {"seals_with", m.seals_with}});
  }
  return out;
}

Ordered of(const AboutCharon& c) {
  Ordered out = {{"version", c.version},
                 {"plugin", c.plugin},
                 {"spi_min", c.spi_min},
                 {"spi_max", c.spi_max},
                 {"connections", Ordered::array()},
                 {"left_out", c.left_out}};
  for (const AboutConnection& connection : c.connections) {
    out["connections"].push_back(Ordered{{"name", connection.name}, {"children", connection.children}});
  }
  return out;
}

Ordered of(const MemberAnswer& m) {
  Ordered out = {{"name", m.name},
                 {"answered", m.answered},
                 {"speaks_newer", m.speaks_newer},
                 {"version", m.version},
                 {"clock_ahead_ms", m.clock_ahead.count()},
                 {"clock_uncertain_ms", m.clock_uncertain.count()},
                 {"charon", nullptr}};
  if (m.charon) out["charon"] = of(*m.charon);
  return out;
}

Ordered of(const CheckStatus& c) {
  Ordered out = {{"status", of(c.node)},
                 {"answers", Ordered::array()},
                 {"strangers", Ordered::array()},
                 {"interfaces", c.interfaces},
                 {"gate_problem", c.gate_problem},
                 {"bypassed", c.bypassed},
                 {"first_bypassed", c.first_bypassed}};
  for (const MemberAnswer& answer : c.answers) out["answers"].push_back(of(answer));
  for (const StrangerStatus& s : c.strangers) {
    out["strangers"].push_back(Ordered{{"address", s.address},
                                       {"member", s.member},
                                       {"datagrams", s.datagrams},
                                       {"last_ago_s", s.last_ago.count()}});
  }
  return out;
}

// RFC 3339, in UTC.
std::string time_text(std::chrono::nanoseconds since_epoch) {
  using namespace std::chrono;
  const sys_time<milliseconds> at{duration_cast<milliseconds>(since_epoch)};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02ld:%02ld:%02ld.%03ldZ", int{date.year()},
                unsigned{date.month()}, unsigned{date.day()}, static_cast<long>(time.hours().count()),
                static_cast<long>(time.minutes().count()), static_cast<long>(time.seconds().count()),
                static_cast<long>(time.subseconds().count()));
  return text.data();
}

Ordered of(const Event& e) {
  Ordered out = {{"number", e.number},
                 {"time", time_text(e.at)},
                 {"severity", to_string(e.severity)},
                 {"event", e.id},
                 {"fields", Ordered::object()}};
  for (const auto& [key, value] : e.fields) out["fields"][key] = value;
  return out;
}

// Names come from peers and configuration and need not be UTF-8.
std::string line_of(const Ordered& object) {
  return object.dump(-1, ' ', false, Ordered::error_handler_t::replace) + "\n";
}

Ordered body_of(const ControlAnswer& answer) {
  return std::visit(
      Overloaded{[](const Error& e) {
                   return Ordered{{"ok", false}, {"error", {{"code", code_of(e.code)}, {"text", e.what}}}};
                 },
                 [](const Accepted& a) {
                   return Ordered{{"ok", true}, {"text", a.text}};
                 },
                 [](const NodeStatus& s) {
                   return Ordered{{"ok", true}, {"status", of(s)}};
                 },
                 [](const TunnelPage& page) {
                   Ordered out = {{"ok", true}, {"tunnels", Ordered::array()}, {"next", nullptr}};
                   for (const TunnelStatus& tunnel : page.tunnels) out["tunnels"].push_back(of(tunnel));
                   if (page.next) out["next"] = to_string(*page.next);
                   return out;
                 },
                 [](const KeyStatus& k) {
                   return Ordered{{"ok", true}, {"keys", of(k)}};
                 },
                 [](const CheckStatus& c) {
                   return Ordered{{"ok", true}, {"check", of(c)}};
                 },
                 [](const EventList& list) {
                   Ordered out = {{"ok", true}, {"events", Ordered::array()}};
                   for (const EventPtr& event : list.events) out["events"].push_back(of(*event));
                   return out;
                 },
                 [](const EventStream&) {
                   return Ordered{{"ok", true}, {"following", true}};
                 },
                 [](const TunnelStatus& t) {
                   return Ordered{{"ok", true}, {"tunnel", of(t)}};
                 }},
      answer);
}

}  // namespace

Result<ControlRequest> parse_request(std::string_view line) {
  const json root = json::parse(line, nullptr, false);
  if (root.is_discarded()) return invalid("request: not JSON");
  if (!root.is_object()) return invalid("request: not a JSON object");
  const auto command = root.find("command");
  if (command == root.end() || !command->is_string())
    return invalid("field command: is missing or not a text");
  if (root.size() > kMostArguments + 1) return invalid("request: more than 16 arguments");
  ControlRequest out;
  out.command = command->get<std::string>();
  for (const auto& [name, value] : root.items()) {
    if (name == "command") continue;
    if (value.is_string()) {
      out.arguments.emplace_back(name, value.get<std::string>());
    } else if (value.is_number() || value.is_boolean()) {
      out.arguments.emplace_back(name, value.dump());
    } else {
      return invalid("field " + name + ": is not a text, number or boolean");
    }
  }
  return out;
}

std::string to_line(const ControlAnswer& answer) {
  return line_of(body_of(answer));
}

std::string event_line(const std::variant<EventPtr, Missed>& item) {
  if (const auto* missed = std::get_if<Missed>(&item)) return line_of({{"missed", missed->count}});
  return line_of(of(*std::get<EventPtr>(item)));
}

}  // namespace hasync::hasyncd
