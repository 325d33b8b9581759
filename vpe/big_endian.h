// Numbers as they stand in packets.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace hasync::vpe {

template <typename Number>
constexpr Number big_endian(Number number) {
  static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big);
  if constexpr (std::endian::native == std::endian::big) return number;
  if constexpr (sizeof(Number) == 2) return __builtin_bswap16(number);
  if constexpr (sizeof(Number) == 4) return __builtin_bswap32(number);
  if constexpr (sizeof(Number) == 8) return __builtin_bswap64(number);
}

template <typename Number>
void put_big_endian(std::uint8_t* at, Number number) {
  number = big_endian(number);
  std::memcpy(at, &number, sizeof(number));
}

template <typename Number>
Number get_big_endian(const std::uint8_t* at) {
  Number number{};
  std::memcpy(&number, at, sizeof(number));
  return big_endian(number);
}

}  // namespace hasync::vpe
