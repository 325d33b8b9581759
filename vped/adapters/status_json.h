// The status as JSON, for the control socket. Its form is in docs/vped.md.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "vped/status.h"

namespace hasync::vped {

nlohmann::ordered_json to_json(const Snapshot& now);

}  // namespace hasync::vped
