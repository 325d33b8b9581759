#include "haipsec/commands.h"

#include <functional>

#include "haipsec/control_client.h"
#include "haipsec/events.h"
#include "haipsec/tables.h"
#include "haipsec/terminal.h"

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;
using Render = std::function<std::string(const ordered_json& reply)>;

constexpr std::chrono::seconds kQuestion{10};
constexpr std::chrono::seconds kMove{60};  // longer than any change of epoch

int show_reply(const Options& options, const Result<ordered_json>& reply, const Render& render) {
  const Output output(options.json);
  if (!reply) return output.failure(reply.error(), exit_code_of(reply.error()));
  if (!(*reply)["ok"].get<bool>()) return output.refusal(*reply);
  return output.success(*reply, render(*reply));
}

int command(const Options& options, const ordered_json& request, std::chrono::seconds limit,
            const Render& render) {
  return show_reply(options, ask(options.socket, request, limit), render);
}

ordered_json part(const ordered_json& reply, const char* name) {
  return reply.contains(name) ? reply[name] : ordered_json::object();
}

std::string text_of(const ordered_json& reply) {
  const ordered_json text = part(reply, "text");
  return (text.is_string() ? text.get<std::string>() : std::string("done")) + "\n";
}

}  // namespace

int status(const Options& options) {
  return command(options, {{"command", "status"}}, kQuestion,
                 [](const ordered_json& reply) { return status_text(part(reply, "status"), output_look()); });
}

int nodes(const Options& options) {
  return command(options, {{"command", "nodes"}}, kQuestion,
                 [](const ordered_json& reply) { return nodes_text(part(reply, "status"), output_look()); });
}

int show(const Options& options) {
  return command(options, {{"command", "show"}, {"tunnel", options.tunnel}}, kQuestion,
                 [](const ordered_json& reply) { return tunnel_text(part(reply, "tunnel"), output_look()); });
}

int migrate(const Options& options) {
  ordered_json request = {{"command", "migrate"}};
  if (!options.to.empty()) request["to"] = options.to;
  return command(options, request, kMove, text_of);
}

int failover(const Options& options) {
  return command(options, {{"command", "failover"}}, kMove, text_of);
}

int takeover(const Options& options) {
  return command(options, {{"command", "takeover"}, {"other_is_off", options.other_is_off}}, kMove, text_of);
}

int events(const Options& options) {
  const Look look = output_look();
  if (!options.follow)
    return command(options, {{"command", "events"}}, kQuestion,
                   [&](const ordered_json& reply) { return events_text(reply, look); });
  const Output output(options.json);
  const Result<ordered_json> reply =
      follow(options.socket, {{"command", "events"}, {"follow", true}},
             [&](const ordered_json& event) { output.success(event, event_text(event, look)); });
  if (!reply) return output.failure(reply.error(), exit_code_of(reply.error()));
  return (*reply)["ok"].get<bool>() ? kOk : output.refusal(*reply);
}

int vpe(const Options& options) {
  return show_reply(options, ask(options.vped, {{"command", "status"}}, kQuestion, "vped"),
                    [](const ordered_json& reply) { return vpe_text(part(reply, "status"), output_look()); });
}

int reload(const Options& options) {
  return command(options, {{"command", "reload"}}, kQuestion, text_of);
}

int version(const Options& options) {
  const Output output(options.json);
  const Result<ordered_json> reply = ask(options.socket, {{"command", "status"}}, kQuestion);
  const ordered_json daemon = reply ? part(part(*reply, "status"), "version") : ordered_json(nullptr);
  const std::string daemon_text = daemon.is_string() ? daemon.get<std::string>() : "not reachable";
  return output.success(
      {{"ok", true}, {"haipsec", HASYNC_VERSION}, {"hasyncd", daemon.is_string() ? daemon : nullptr}},
      "haipsec " HASYNC_VERSION "\nhasyncd " + daemon_text + "\n");
}

}  // namespace hasync::haipsec
