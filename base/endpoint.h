// Where something listens: "127.0.0.1:9420", "[2001:db8::1]:9420".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/address.h"

namespace hasync {

struct Endpoint {
  Address address;
  std::uint16_t port = 0;

  static std::optional<Endpoint> parse(const std::string& text);  // a port from 1 on
  bool operator==(const Endpoint&) const = default;
};

std::string to_string(const Endpoint& endpoint);

}  // namespace hasync
