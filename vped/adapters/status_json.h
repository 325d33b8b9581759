// The status as JSON, for the control socket. Its form is in docs/vped.md.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "vped/config.h"
#include "vped/status.h"

namespace hasync::vped {

// `tunnels` by place, as the workers have them. `charon`: whether it is connected; nothing: it has no part.
nlohmann::ordered_json to_json(const Config& config, const std::vector<std::optional<KnownTunnel>>& tunnels,
                               const std::string& cipher, std::optional<bool> charon,
                               const std::vector<WorkerStatus>& workers);

}  // namespace hasync::vped
