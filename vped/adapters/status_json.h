// The status as JSON, for the control socket. Its form is in docs/vped.md.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "vped/config.h"
#include "vped/status.h"

namespace hasync::vped {

nlohmann::ordered_json to_json(const Config& config, const std::vector<std::uint8_t>& incarnations,
                               const std::string& cipher, const std::vector<WorkerStatus>& workers);

}  // namespace hasync::vped
