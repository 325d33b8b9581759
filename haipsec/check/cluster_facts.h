// Replies of hasyncd as facts. A member that is missing or of another kind stands at its default.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "haipsec/check/facts.h"

namespace hasync::haipsec {

// `check`: {"status": ..., "answers": [...], ...}; `tunnels`: a list of tunnels.
ClusterFacts cluster_facts(const nlohmann::ordered_json& check, const nlohmann::ordered_json& tunnels);

}  // namespace hasync::haipsec
