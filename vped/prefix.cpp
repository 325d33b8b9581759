#include "vped/prefix.h"

#include <charconv>

#include "vpe/big_endian.h"

namespace hasync::vped {
namespace {

constexpr std::uint8_t kMappedBits = 96;  // ::ffff:0:0/96 holds IPv4

// 64 bits from `at` in which the first `bits` count.
std::uint64_t masked(const std::uint8_t* at, unsigned bits) {
  if (bits == 0) return 0;
  return vpe::get_big_endian<std::uint64_t>(at) & (~std::uint64_t{0} << (64 - bits));
}

bool same_start(const Address& a, const Address& b, unsigned bits) {
  const unsigned first = bits < 64 ? bits : 64;
  return masked(a.bytes.data(), first) == masked(b.bytes.data(), first) &&
         masked(a.bytes.data() + 8, bits - first) == masked(b.bytes.data() + 8, bits - first);
}

}  // namespace

Result<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return invalid("prefix without a length");
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return address.error();
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (failed != std::errc{} || end != digits.data() + digits.size() || bits > (address->is_v4() ? 32U : 128U))
    return invalid("length of the prefix");
  Prefix out{*address, static_cast<std::uint8_t>(bits + (address->is_v4() ? kMappedBits : 0U))};
  Address cut = *address;
  for (unsigned bit = out.bits; bit < 128; ++bit)
    cut.bytes[bit / 8] = static_cast<std::uint8_t>(cut.bytes[bit / 8] & ~(0x80U >> (bit % 8)));
  if (cut != out.address) return invalid("bits beyond the prefix are not 0");
  return out;
}

std::optional<Prefix> Prefix::of_range(const Address& first, const Address& last) {
  unsigned same = 0;
  while (same < 128 && (first.bytes[same / 8] ^ last.bytes[same / 8]) < (0x80U >> (same % 8))) ++same;
  for (unsigned bit = same; bit < 128; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if ((first.bytes[bit / 8] & mask) != 0 || (last.bytes[bit / 8] & mask) == 0) return std::nullopt;
  }
  if (first.is_v4() != last.is_v4()) return std::nullopt;
  return Prefix{first, static_cast<std::uint8_t>(same)};
}

bool Prefix::contains(const Address& other) const {
  return same_start(address, other, bits) && (bits >= kMappedBits || address.is_v4() == other.is_v4());
}

}  // namespace hasync::vped
