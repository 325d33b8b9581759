// A logged event as one line of text: "event=role-changed from=standby to=owner".
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/log.h"

namespace hasync {

// Without the line's end. Values with spaces, quotes or control characters are quoted, so a line cannot be
// forged.
std::string log_line(std::string_view id, std::span<const LogField> fields);
std::string to_string(Severity severity);  // "debug", "info", "warning", "error"

}  // namespace hasync
