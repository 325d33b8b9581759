#include "hasyncd/adapters/stderr_log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdlib>

#include "base/log_line.h"

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

}  // namespace

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
