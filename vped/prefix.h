// A range of addresses, as traffic selectors of a tunnel name it.
#pragma once

#include <optional>
#include <string_view>

#include "base/address.h"
#include "base/result.h"

namespace hasync::vped {

struct Prefix {
  Address address;
  std::uint8_t bits = 0;  // of the 128 that an Address has

  static Result<Prefix> parse(std::string_view text);  // "10.1.0.0/16", "2001:db8::/32"; bits beyond are 0
  // Of all addresses from the first to the last; nothing: they are no prefix. Of one family.
  static std::optional<Prefix> of_range(const Address& first, const Address& last);
  bool contains(const Address& other) const;
  bool operator==(const Prefix&) const = default;
};

}  // namespace hasync::vped
