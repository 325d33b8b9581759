// The control protocol (docs/control.md): one JSON object per line, request and reply. The only part of
// hasyncd that knows JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "hasyncd/status.h"

namespace hasync::hasyncd {

// {"command":"migrate","to":"gw2"}: every further member is a text, number or boolean.
Result<ControlRequest> parse_request(std::string_view line);

// {"ok":true,...} or {"ok":false,"error":{"code":"not-found","text":"..."}}, with the line's end.
std::string to_line(const ControlAnswer& answer);

// Of a stream: {"number":7,"time":...} or {"missed":12}, with the line's end.
std::string event_line(const std::variant<EventPtr, Missed>& item);

}  // namespace hasync::hasyncd
