#include "hasyncd/adapters/stderr_log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <cstdlib>

namespace hasync::hasyncd {
namespace {

spdlog::level::level_enum level_of(Severity severity) {
  switch (severity) {
    case Severity::Debug:
      return spdlog::level::debug;
    case Severity::Info:
      return spdlog::level::info;
    case Severity::Warning:
      return spdlog::level::warn;
    case Severity::Error:
      break;
  }
  return spdlog::level::err;
}

const char* priority_of(Severity severity) {
  switch (severity) {
    case Severity::Debug:
      return "<7>";
    case Severity::Info:
      return "<6>";
    case Severity::Warning:
      return "<4>";
    case Severity::Error:
      break;
  }
  return "<3>";
}

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

bool journal_is_attached() {
  return std::getenv("JOURNAL_STREAM") != nullptr;
}  // systemd.exec(5)

Severity severity_of(std::string_view text) {
  if (text == "debug") return Severity::Debug;
  if (text == "warning") return Severity::Warning;
  return text == "error" ? Severity::Error : Severity::Info;
}

StderrLog::StderrLog(Severity least, bool for_journal)
    : logger_(std::make_unique<spdlog::logger>("hasyncd", std::make_shared<spdlog::sinks::stderr_sink_st>())),
      for_journal_(for_journal) {
  logger_->set_level(level_of(least));
  logger_->flush_on(spdlog::level::debug);
  logger_->set_pattern(for_journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
}

StderrLog::~StderrLog() = default;

void StderrLog::log_from(Severity least) {
  logger_->set_level(level_of(least));
}

void StderrLog::write(Severity severity, std::string_view id, std::span<const LogField> fields) {
  if (!logger_->should_log(level_of(severity))) return;
  const std::string line = log_line(id, fields);
  logger_->log(level_of(severity), "{}", for_journal_ ? priority_of(severity) + line : line);
}

}  // namespace hasync::hasyncd
