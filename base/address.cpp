#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace hasync {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

Address Address::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  Address out;
  std::copy(kMapped.begin(), kMapped.end(), out.bytes.begin());
  out.bytes[12] = a;
  out.bytes[13] = b;
  out.bytes[14] = c;
  out.bytes[15] = d;
  return out;
}

Result<Address> Address::from_wire(std::span<const std::uint8_t> wire) {
  if (wire.size() == 4) return v4(wire[0], wire[1], wire[2], wire[3]);
  if (wire.size() != 16) {
    return invalid("an address has 4 or 16 bytes, not " + std::to_string(wire.size()));
  }
  Address out;
  std::copy(wire.begin(), wire.end(), out.bytes.begin());
  if (out.is_v4()) return invalid("an IPv4 address in 16 bytes; it has 4");
  return out;
}

Result<Address> Address::parse(std::string_view text) {
  const std::string terminated(text);
  std::array<std::uint8_t, 16> raw{};
  if (inet_pton(AF_INET, terminated.c_str(), raw.data()) == 1) return v4(raw[0], raw[1], raw[2], raw[3]);
  if (inet_pton(AF_INET6, terminated.c_str(), raw.data()) == 1) return from_wire(raw);
  return invalid("\"" + terminated + "\" is not an IP address");
}

bool Address::is_v4() const {
  return std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
}

std::span<const std::uint8_t> Address::wire() const {
  const std::span<const std::uint8_t> all = bytes;
  return is_v4() ? all.subspan(12) : all;
}

std::string to_string(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.is_v4() ? AF_INET : AF_INET6, address.wire().data(), text.data(), text.size());
  return text.data();
}

std::string to_string(const OutboundKey& key) {
  return to_string(key.address) + "/" + to_string(key.spi);
}

}  // namespace hasync
