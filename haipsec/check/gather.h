// Looks at this machine and asks its hasyncd. Judges nothing, changes nothing.
#pragma once

#include "haipsec/check/facts.h"
#include "haipsec/commands.h"

namespace hasync::haipsec {

Facts gather(const Options& options);

// Those of the kernel's tables of routes, /proc/net/route and /proc/net/ipv6_route.
std::vector<Route> ipv4_routes(const std::string& table);
std::vector<Route> ipv6_routes(const std::string& table);

}  // namespace hasync::haipsec
