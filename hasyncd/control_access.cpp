#include "hasyncd/control_access.h"

#include <algorithm>

namespace hasync::hasyncd {

Access access_of(const Caller& caller, const ControlGroups& groups) {
  const auto in = [&](const std::optional<std::uint32_t>& group) {
    return group && std::ranges::find(caller.groups, *group) != caller.groups.end();
  };
  if (caller.user == 0 || in(groups.admin)) return Access::Admin;
  return in(groups.read) ? Access::Read : Access::None;
}

Access needed_for(std::string_view command) {
  constexpr std::string_view kLooking[] = {"status", "nodes", "tunnels", "show", "keys", "check", "events"};
  return std::ranges::find(kLooking, command) != std::end(kLooking) ? Access::Read : Access::Admin;
}

std::string to_string(Access access) {
  if (access == Access::None) return "none";
  return access == Access::Read ? "read" : "admin";
}

}  // namespace hasync::hasyncd
