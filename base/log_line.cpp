#include "base/log_line.h"

#include <algorithm>

namespace hasync {
namespace {

bool is_plain(std::string_view value) {
  return !value.empty() && std::ranges::all_of(value, [](unsigned char c) {
    return c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
  });
}

std::string quoted(std::string_view value) {
  constexpr const char* kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7f) {
      out += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 15U]};
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string log_line(std::string_view id, std::span<const LogField> fields) {
  std::string out = "event=" + std::string(id);
  for (const LogField& field : fields) {
    out += " " + std::string(field.key) + "=" + (is_plain(field.value) ? field.value : quoted(field.value));
  }
  return out;
}

std::string to_string(Severity severity) {
  switch (severity) {
    case Severity::Debug:
      return "debug";
    case Severity::Info:
      return "info";
    case Severity::Warning:
      return "warning";
    case Severity::Error:
      break;
  }
  return "error";
}

}  // namespace hasync
