#include "haipsec/keys.h"

#include <filesystem>

#include "haipsec/control_client.h"
#include "haipsec/tables.h"
#include "haipsec/terminal.h"
#include "hasyncd/adapters/key_file.h"

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::seconds kQuestion{10};

std::optional<std::filesystem::path> witness_file(const Options& options) {
  if (options.witness.empty()) return std::nullopt;
  return options.witness;
}

int ask_for_keys(const Options& options, const char* command) {
  const Output output(options.json);
  const auto reply = ask(options.socket, {{"command", command}}, kQuestion);
  if (!reply) return output.failure(reply.error(), kUnreachable);
  if (!(*reply)["ok"].get<bool>()) return output.refusal(*reply);
  return output.success(*reply, keys_text((*reply)["keys"], output_look()));
}

// Why the older keys of the file cannot go; none: they can.
std::optional<Error> keeps(const hasyncd::KeySet& in_file, const ordered_json& running) {
  std::vector<std::string> ids;
  for (const std::uint32_t id : in_file.ids()) ids.push_back(hasyncd::key_id_text(id));
  if (running.value("keys", std::vector<std::string>{}) != ids)
    return Error{Errc::Conflict, "hasyncd has other keys than the file: haipsec key reload"};
  if (ids.size() == 1) return Error{Errc::Conflict, "there is only one key, " + ids.front()};
  const std::string needed = running.value("needed", "hasyncd does not tell whether they are needed");
  if (needed.empty()) return {};
  return Error{Errc::Busy, "the older keys are still needed: " + needed};
}

}  // namespace

int keygen(const Options& options) {
  const Output output(options.json);
  std::filesystem::path file = options.file;
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) file /= "key";
  const auto witness = witness_file(options);
  const Result<std::uint32_t> id = hasyncd::generate_keys(file, witness);
  if (!id) return output.failure(id.error());
  const std::string name = hasyncd::key_id_text(*id);
  std::string text =
      "key " + name + " is in " + file.string() + ": copy it to every gateway, over a protected channel\n";
  if (witness)
    text += "witness key is in " + witness->string() + ": move it to the witness; it opens no context\n";
  return output.success({{"ok", true},
                         {"key_id", name},
                         {"file", file.string()},
                         {"witness_file", witness ? ordered_json(witness->string()) : ordered_json(nullptr)}},
                        text);
}

int key_status(const Options& options) {
  return ask_for_keys(options, "keys");
}

int key_reload(const Options& options) {
  return ask_for_keys(options, "reload-keys");
}

int key_rotate(const Options& options) {
  const Output output(options.json);
  const auto witness = witness_file(options);
  const auto id = hasyncd::add_key(options.key, witness);
  if (!id) return output.failure(id.error());
  const auto reply = ask(options.socket, {{"command", "reload-keys"}}, kQuestion);
  const bool loaded = reply && (*reply)["ok"].get<bool>();
  const std::string name = hasyncd::key_id_text(*id);
  std::string text = "key " + name + " is in " + options.key + "; now, over a protected channel:\n" +
                     "  copy this file to every other gateway, and say there: haipsec key reload\n";
  if (witness) {
    text += "  move " + witness->string() +
            " to the witness as its key file, and say there: haipsec key reload\n";
  }
  text += "All use it as soon as all have it: haipsec key status. Then, on each node: haipsec key retire\n";
  if (!loaded) text += "hasyncd has not read it yet: say haipsec key reload here as well, when it runs\n";
  return output.success({{"ok", true}, {"key_id", name}, {"file", options.key}, {"loaded", loaded}}, text);
}

int key_retire(const Options& options) {
  const Output output(options.json);
  const auto keys = hasyncd::load_keys(options.key);
  if (!keys) return output.failure(keys.error());
  const auto running = ask(options.socket, {{"command", "keys"}}, kQuestion);
  if (!running) return output.failure(running.error(), kUnreachable);
  if (!(*running)["ok"].get<bool>()) return output.refusal(*running);
  if (const auto reason = keeps(*keys, (*running)["keys"])) return output.failure(*reason);
  if (const auto left = hasyncd::retire_keys(options.key); !left) return output.failure(left.error());
  return key_reload(options);
}

}  // namespace hasync::haipsec
