// Events for the operator. Each has a stable id (docs/messages.md) and fields; where they go is the sink's
// business. Only the daemon and its adapters log; decisions return what happened.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace hasync {

enum class Severity { Debug, Info, Warning, Error };

struct LogField {
  std::string_view key;
  std::string value;
};

class Log {
 public:
  virtual ~Log() = default;
  virtual void write(Severity severity, std::string_view id, std::span<const LogField> fields) = 0;

  void debug(std::string_view id, std::initializer_list<LogField> f = {}) { write(Severity::Debug, id, f); }
  void info(std::string_view id, std::initializer_list<LogField> f = {}) { write(Severity::Info, id, f); }
  void warning(std::string_view id, std::initializer_list<LogField> f = {}) {
    write(Severity::Warning, id, f);
  }
  void error(std::string_view id, std::initializer_list<LogField> f = {}) { write(Severity::Error, id, f); }
};

}  // namespace hasync
