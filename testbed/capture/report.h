// The checker's books as JSON and as text for people.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "testbed/capture/checker.h"

namespace hasync::testbed {

using NodeNames = std::map<Mac, std::string>;

nlohmann::json to_json(const Checker& checker, const NodeNames& names);
std::string to_text(const Checker& checker, const NodeNames& names);

}  // namespace hasync::testbed
