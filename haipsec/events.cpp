#include "haipsec/events.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "base/log_line.h"

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;

std::string text(const ordered_json& event, const char* key) {
  const auto found = event.find(key);
  return found != event.end() && found->is_string() ? found->get<std::string>() : "-";
}

Colour colour_of(const std::string& severity) {
  if (severity == "error") return Colour::Red;
  return severity == "warning" ? Colour::Yellow : Colour::None;
}

}  // namespace

std::string event_text(const ordered_json& event, const Look& look) {
  if (event.contains("missed"))
    return "(" + event["missed"].dump() + " events missed: they came faster than they were read)\n";
  std::vector<LogField> fields;
  if (const auto found = event.find("fields"); found != event.end() && found->is_object()) {
    for (auto field = found->begin(); field != found->end(); ++field) {
      if (field->is_string()) fields.push_back({field.key(), field->get<std::string>()});
    }
  }
  const std::string severity = text(event, "severity");
  return text(event, "time") + " " + painted(severity, colour_of(severity), look) + " " +
         log_line(text(event, "event"), fields) + "\n";
}

std::string events_text(const ordered_json& reply, const Look& look) {
  std::string out;
  const auto events = reply.find("events");
  if (events == reply.end()) return out;
  for (const ordered_json& event : *events) {
    if (event.is_object()) out += event_text(event, look);
  }
  return out;
}

}  // namespace hasync::haipsec
