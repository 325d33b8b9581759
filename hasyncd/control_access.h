// Who may ask what over the control socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hasync::hasyncd {

enum class Access { None, Read, Admin };  // ascending

// As the kernel tells it of the other end of a socket.
struct Caller {
  std::uint32_t user = 0;
  std::vector<std::uint32_t> groups;  // all that it is in
};

struct ControlGroups {
  std::optional<std::uint32_t> admin;
  std::optional<std::uint32_t> read;
};

Access access_of(const Caller& caller, const ControlGroups& groups);  // root is always an admin
Access needed_for(std::string_view command);  // Admin, unless it is known to only look
std::string to_string(Access access);         // "none", "read", "admin"

}  // namespace hasync::hasyncd
