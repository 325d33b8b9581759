// Events as hasyncd tells them (docs/control.md), as lines of its log: "2026-01-31T09:00:00.125Z warning
// event=charon-lost".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "haipsec/table.h"

namespace hasync::haipsec {

// With the line's end. `event` may also tell that some were missed.
std::string event_text(const nlohmann::ordered_json& event, const Look& look = {});
std::string events_text(const nlohmann::ordered_json& reply, const Look& look = {});

}  // namespace hasync::haipsec
