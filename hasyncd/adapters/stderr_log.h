// Log lines on standard error, by spdlog: "event=role-changed from=standby to=owner". Under systemd they
// carry the journal's priority prefix (sd-daemon(3)) and no time of their own; elsewhere the time in UTC.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"

namespace spdlog {
class logger;
}

namespace hasync::hasyncd {

class StderrLog : public Log {
 public:
  explicit StderrLog(Severity least, bool for_journal);
  ~StderrLog() override;
  void log_from(Severity least);  // from now on
  void write(Severity severity, std::string_view id, std::span<const LogField> fields) override;

 private:
  std::unique_ptr<spdlog::logger> logger_;
  bool for_journal_;
};

bool journal_is_attached();                          // standard error is the journal
Severity severity_of(std::string_view config_text);  // "debug", "info", "warning", "error"

}  // namespace hasync::hasyncd
