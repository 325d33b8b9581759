#include "haipsec/check/cluster_facts.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;

template <typename T>
void take(const ordered_json& from, const char* key, T& to) {
  const auto found = from.find(key);
  if (found == from.end()) return;
  if constexpr (std::is_same_v<T, bool>) {
    if (found->is_boolean()) to = found->template get<bool>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (found->is_string()) to = found->template get<std::string>();
  } else {
    if (found->is_number()) to = found->template get<T>();
  }
}

ordered_json part(const ordered_json& from, const char* key, const ordered_json& absent) {
  const auto found = from.find(key);
  return found == from.end() || found->type() != absent.type() ? absent : *found;
}

// The objects of a list; whatever else is in it is left out.
std::vector<ordered_json> objects(const ordered_json& from, const char* key) {
  std::vector<ordered_json> out;
  for (const ordered_json& one : part(from, key, ordered_json::array())) {
    if (one.is_object()) out.push_back(one);
  }
  return out;
}

std::vector<std::string> texts(const ordered_json& from, const char* key) {
  std::vector<std::string> out;
  for (const ordered_json& one : part(from, key, ordered_json::array())) {
    if (one.is_string()) out.push_back(one.get<std::string>());
  }
  return out;
}

ctx::CharonSetup setup_of(const ordered_json& from) {
  ctx::CharonSetup out;
  take(from, "version", out.charon_version);
  take(from, "plugin", out.plugin_version);
  take(from, "spi_min", out.spi_min);
  take(from, "spi_max", out.spi_max);
  take(from, "left_out", out.left_out);
  for (const ordered_json& connection : objects(from, "connections")) {
    auto& to = out.connections.emplace_back();
    take(connection, "name", to.name);
    to.children = texts(connection, "children");
  }
  return out;
}

MemberFact member_of(const ordered_json& status) {
  MemberFact out;
  take(status, "name", out.name);
  take(status, "role", out.role);
  take(status, "self", out.self);
  take(status, "in_ring", out.in_ring);
  take(status, "in_epoch", out.in_epoch);
  take(status, "owner", out.owner);
  take(status, "ready", out.ready);
  take(status, "refused", out.refused);
  return out;
}

void add_answer(const ordered_json& answer, std::vector<MemberFact>& members) {
  std::string name;
  take(answer, "name", name);
  const auto member = std::ranges::find(members, name, &MemberFact::name);
  if (member == members.end()) return;
  take(answer, "answered", member->answered);
  take(answer, "speaks_newer", member->speaks_newer);
  take(answer, "version", member->version);
  take(answer, "clock_ahead_ms", member->clock_ahead_ms);
  take(answer, "clock_uncertain_ms", member->clock_uncertain_ms);
  const ordered_json charon = part(answer, "charon", ordered_json::object());
  if (!charon.empty()) member->charon = setup_of(charon);
}

StrangerFact stranger_of(const ordered_json& from) {
  StrangerFact out;
  take(from, "address", out.address);
  take(from, "member", out.member);
  take(from, "datagrams", out.datagrams);
  return out;
}

std::vector<Address> peers_of(const ordered_json& tunnels) {
  std::set<Address> out;
  for (const ordered_json& tunnel : tunnels) {
    std::string text;
    if (tunnel.is_object()) take(tunnel, "peer", text);
    if (const auto address = Address::parse(text)) out.insert(*address);
  }
  return {out.begin(), out.end()};
}

}  // namespace

ClusterFacts cluster_facts(const ordered_json& check, const ordered_json& tunnels) {
  const ordered_json status = part(check, "status", ordered_json::object());
  ClusterFacts out;
  std::string role;
  take(status, "version", out.version);
  take(status, "role", role);
  out.gateway = role == "gateway";
  take(status, "ring_connected", out.ring_connected);
  take(status, "quorate", out.quorate);
  take(status, "state", out.state);
  const ordered_json fence = part(status, "fence", ordered_json::object());
  take(fence, "length_us", out.fence_us);
  take(fence, "least_margin_us", out.least_margin_us);
  take(status, "tunnels", out.tunnels);
  take(status, "unprotected", out.unprotected);
  take(part(status, "counters", ordered_json::object()), "clock_steps", out.clock_steps);
  for (const ordered_json& member : objects(status, "members")) out.members.push_back(member_of(member));
  for (const ordered_json& answer : objects(check, "answers")) add_answer(answer, out.members);
  for (const ordered_json& stranger : objects(check, "strangers"))
    out.strangers.push_back(stranger_of(stranger));
  out.interfaces = texts(check, "interfaces");
  take(check, "gate_problem", out.gate_problem);
  take(check, "bypassed", out.bypassed);
  take(check, "first_bypassed", out.first_bypassed);
  out.peers = peers_of(tunnels);
  return out;
}

}  // namespace hasync::haipsec
