// An IP address as the cluster sees it: 16 bytes in network order, IPv4 as ::ffff:a.b.c.d
// (RFC 4291, section 2.5.5.2). It knows no port, no prefix and no interface.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hasync::clusterip {

class Address {
 public:
  Address() = default;  // "::", nobody's address

  static Address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
  // 4 or 16 bytes in network order, else Errc::Invalid
  static Result<Address> from_bytes(std::span<const std::uint8_t> bytes);
  // "192.0.2.1" or "2001:db8::1", else Errc::Invalid
  static Result<Address> parse(std::string_view text);

  bool is_v4() const;
  std::span<const std::uint8_t> bytes() const;  // 4 or 16
  const std::array<std::uint8_t, 16>& mapped() const { return mapped_; }
  auto operator<=>(const Address&) const = default;

 private:
  std::array<std::uint8_t, 16> mapped_{};
};

std::string to_string(const Address& address);

}  // namespace hasync::clusterip

template <>
struct std::hash<hasync::clusterip::Address> {
  std::size_t operator()(const hasync::clusterip::Address& address) const noexcept {
    const auto& bytes = address.mapped();
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
};
