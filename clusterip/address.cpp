#include "clusterip/address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace hasync::clusterip {
namespace {

constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

Address Address::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  Address address;
  std::ranges::copy(kV4Prefix, address.mapped_.begin());
  std::ranges::copy(std::array{a, b, c, d}, address.mapped_.begin() + kV4Prefix.size());
  return address;
}

Result<Address> Address::from_bytes(std::span<const std::uint8_t> bytes) {
  if (bytes.size() == 4) return v4(bytes[0], bytes[1], bytes[2], bytes[3]);
  if (bytes.size() != 16) {
    return invalid("address: " + std::to_string(bytes.size()) + " bytes, allowed are 4 and 16");
  }
  Address address;
  std::ranges::copy(bytes, address.mapped_.begin());
  return address;
}

Result<Address> Address::parse(std::string_view text) {
  const std::string name(text);
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, name.c_str(), bytes.data()) == 1) return from_bytes(std::span(bytes).first(4));
  if (inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1) return from_bytes(bytes);
  return invalid("address: `" + name + "` is neither IPv4 nor IPv6");
}

bool Address::is_v4() const {
  return std::ranges::equal(std::span(mapped_).first<12>(), kV4Prefix);
}

std::span<const std::uint8_t> Address::bytes() const {
  return is_v4() ? std::span(mapped_).last<4>() : std::span<const std::uint8_t>(mapped_);
}

std::string to_string(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.is_v4() ? AF_INET : AF_INET6, address.bytes().data(), text.data(), text.size());
  return text.data();
}

}  // namespace hasync::clusterip
