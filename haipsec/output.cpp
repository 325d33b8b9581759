#include "haipsec/output.h"

#include <iostream>

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;

std::string line(const ordered_json& object) {
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

ExitCode exit_code_of(const Error& asking) {
  return asking.code == Errc::Invalid ? kRefused : kUnreachable;
}

int Output::success(const ordered_json& reply, const std::string& text) const {
  std::cout << (json_ ? line(reply) : text) << std::flush;
  return kOk;
}

int Output::failure(const Error& error, ExitCode code) const {
  if (json_)
    std::cout << line({{"ok", false}, {"error", {{"code", "failed"}, {"text", error.what}}}}) << std::flush;
  std::cerr << "haipsec: " << error.what << "\n";
  return code;
}

int Output::refusal(const ordered_json& reply) const {
  if (json_) std::cout << line(reply) << std::flush;
  const auto error = reply.find("error");
  const bool has_text =
      error != reply.end() && error->is_object() && error->contains("text") && (*error)["text"].is_string();
  std::cerr << "haipsec: " << (has_text ? (*error)["text"].get<std::string>() : "hasyncd refused") << "\n";
  return kRefused;
}

}  // namespace hasync::haipsec
