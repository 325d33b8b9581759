// One request to hasyncd, or vped, over its control socket, and the reply. Blocks, with a limit.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"

namespace hasync::haipsec {

// NotFound: nobody answers at `socket`. System, Invalid: it broke off or spoke nonsense. A refusal is no
// error here but a reply with "ok": false.
Result<nlohmann::ordered_json> ask(const std::string& socket, const nlohmann::ordered_json& request,
                                   std::chrono::seconds limit, const std::string& who = "hasyncd");

}  // namespace hasync::haipsec
