#include "haipsec/output.h"

#include <iostream>
#include <utility>

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;

std::string text_of(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

ExitCode exit_code_of(const Error& asking) {
  return asking.code == Errc::Invalid ? kRefused : kUnreachable;
}

void Output::write(const ordered_json& object) const {
  const std::string text = text_of(object) + "\n";
  std::cout << (listing_ ? "]," + text.substr(1) : text) << std::flush;
}

void Output::list(const std::string& name, const ordered_json& more, const std::string& text) {
  std::string out = text;
  if (json_) {
    out = listing_ ? "" : "{\"" + name + "\":[";
    for (const ordered_json& one : more) out += (std::exchange(listed_, true) ? "," : "") + text_of(one);
    listing_ = true;
  }
  std::cout << out << std::flush;
}

int Output::success(const ordered_json& reply, const std::string& text) const {
  if (json_)
    write(reply);
  else
    std::cout << text << std::flush;
  return kOk;
}

int Output::failure(const Error& error, ExitCode code) const {
  if (json_) write({{"ok", false}, {"error", {{"code", "failed"}, {"text", error.what}}}});
  std::cerr << "haipsec: " << error.what << "\n";
  return code;
}

int Output::refusal(const ordered_json& reply) const {
  if (json_) write(reply);
  const auto error = reply.find("error");
  const bool has_text =
      error != reply.end() && error->is_object() && error->contains("text") && (*error)["text"].is_string();
  std::cerr << "haipsec: " << (has_text ? (*error)["text"].get<std::string>() : "hasyncd refused") << "\n";
  return kRefused;
}

}  // namespace hasync::haipsec
