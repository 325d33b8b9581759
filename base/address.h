// An IP address in network byte order. IPv4 is kept as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2), so that
// one type serves as a map key for both families.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace hasync {

struct Address {
  std::array<std::uint8_t, 16> bytes{};

  static Address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
  // `wire`: 4 or 16 bytes. A mapped IPv4 address in 16 bytes is refused: each address has one form.
  static Result<Address> from_wire(std::span<const std::uint8_t> wire);
  static Result<Address> parse(std::string_view text);  // "192.0.2.1", "2001:db8::1"

  bool is_v4() const;
  std::span<const std::uint8_t> wire() const;  // 4 or 16 bytes, a part of this object
  constexpr auto operator<=>(const Address&) const = default;
};

std::string to_string(const Address& address);

// An outbound ESP SA as the kernel looks it up: destination and SPI.
struct OutboundKey {
  Address address;
  EspSpi spi;
  constexpr auto operator<=>(const OutboundKey&) const = default;
};

std::string to_string(const OutboundKey& key);  // "192.0.2.1/c0ffee01"

// An inbound one: our own outer address and the SPI that we chose.
struct InboundKey {
  Address address;
  EspSpi spi;
  constexpr auto operator<=>(const InboundKey&) const = default;
};

}  // namespace hasync

template <>
struct std::hash<hasync::Address> {
  std::size_t operator()(const hasync::Address& address) const noexcept {
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()});
  }
};
template <>
struct std::hash<hasync::OutboundKey> {
  std::size_t operator()(const hasync::OutboundKey& key) const noexcept {
    return std::hash<hasync::Address>{}(key.address) ^ (std::size_t{key.spi.value} * 0x9e3779b97f4a7c15U);
  }
};
