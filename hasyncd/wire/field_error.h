// What decoders say of a field that breaks a rule, and of an address in one.
#pragma once

#include <optional>
#include <string>

#include "base/address.h"
#include "base/bytes.h"
#include "base/result.h"

namespace hasync::hasyncd {

using Problem = std::optional<Error>;  // the first broken rule, or nothing

inline Problem at(const std::string& field, const std::string& rule) {
  return invalid("field " + field + ": " + rule);
}

inline Problem too_many(const std::string& field, std::size_t count, std::size_t limit) {
  return at(field, std::to_string(count) + " of them, " + std::to_string(limit) + " are allowed");
}

inline Problem take_address(const std::string& wire, const std::string& field, Address* to) {
  const Result<Address> address = Address::from_wire(view_of(wire));
  if (!address) return at(field, address.error().what);
  *to = *address;
  return {};
}

}  // namespace hasync::hasyncd
