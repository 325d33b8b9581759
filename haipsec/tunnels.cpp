#include "haipsec/tunnels.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "haipsec/commands.h"
#include "haipsec/control_client.h"
#include "haipsec/tables.h"
#include "haipsec/terminal.h"

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::seconds kQuestion{10};
constexpr const char* kUnprotected = "unprotected";

bool is(const ordered_json& tunnel, const char* key, const ordered_json& value) {
  const auto found = tunnel.find(key);
  return found != tunnel.end() && *found == value;
}

bool is_of(const ordered_json& tunnel, const std::string& peer) {
  return is(tunnel, "peer", peer) || is(tunnel, "remote_id", peer) || is(tunnel, "connection", peer);
}

bool is_so(const ordered_json& tunnel, const std::string& state) {
  return state == kUnprotected ? is(tunnel, "protected", false) : is(tunnel, "here", state);
}

ordered_json array_in(ordered_json& reply) {
  return reply.contains("tunnels") && reply["tunnels"].is_array() ? std::move(reply["tunnels"])
                                                                  : ordered_json::array();
}

}  // namespace

const std::vector<std::string>& tunnel_states() {
  static const std::vector<std::string> kStates{"active", "passive", "absent", kUnprotected};
  return kStates;
}

ordered_json selected(ordered_json tunnels, const std::string& peer, const std::string& state) {
  ordered_json out = ordered_json::array();
  for (ordered_json& tunnel : tunnels) {
    if (!tunnel.is_object()) continue;
    if ((peer.empty() || is_of(tunnel, peer)) && (state.empty() || is_so(tunnel, state)))
      out.push_back(std::move(tunnel));
  }
  return out;
}

Result<ordered_json> each_page(const std::string& socket, const std::function<void(ordered_json)>& told) {
  auto conversation = Conversation::begin(socket, kQuestion);
  if (!conversation) return conversation.error();
  ordered_json request = {{"command", "tunnels"}};
  while (true) {
    Result<ordered_json> reply = conversation->ask(request);
    if (!reply || !(*reply)["ok"].get<bool>()) return reply;
    told(array_in(*reply));
    const auto next = reply->find("next");
    if (next == reply->end() || !next->is_string()) return reply;
    request["after"] = *next;
  }
}

int tunnels(const Options& options) {
  Output output(options.json);
  TunnelTable table;
  const Look look = output_look();
  bool any = false;
  const auto told = [&](ordered_json page) {
    const ordered_json fitting = selected(std::move(page), options.peer, options.state);
    any = any || !fitting.empty();
    output.list("tunnels", fitting, fitting.empty() ? "" : table.page(fitting, look));
  };
  const Result<ordered_json> reply = each_page(options.socket, told);
  if (!reply) return output.failure(reply.error(), exit_code_of(reply.error()));
  if (!(*reply)["ok"].get<bool>()) return output.refusal(*reply);
  return output.success({{"ok", true}}, any ? "" : "no tunnels\n");
}

}  // namespace hasync::haipsec
