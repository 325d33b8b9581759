// The list of tunnels, as long as it may be: hasyncd tells it page by page (docs/control.md), and each is
// dealt with as it comes.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace hasync::haipsec {

// Each page, an array of tunnels. The reply to the last request, or the first that was a refusal.
Result<nlohmann::ordered_json> each_page(const std::string& socket,
                                         const std::function<void(nlohmann::ordered_json)>& told);

// What `--state` may ask for.
const std::vector<std::string>& tunnel_states();

// Those of `tunnels` that fit; an empty text fits all. `peer`: address, identity or connection.
nlohmann::ordered_json selected(nlohmann::ordered_json tunnels, const std::string& peer,
                                const std::string& state);

}  // namespace hasync::haipsec
