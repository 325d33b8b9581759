#include "vpe/packet.h"

#include <bit>
#include <cstring>

namespace hasync::vpe {

namespace {

constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;

template <typename Number>
Number big_endian(Number number) {
  static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big);
  if constexpr (std::endian::native == std::endian::big) return number;
  if constexpr (sizeof(Number) == 2) return __builtin_bswap16(number);
  if constexpr (sizeof(Number) == 4) return __builtin_bswap32(number);
  if constexpr (sizeof(Number) == 8) return __builtin_bswap64(number);
}

template <typename Number>
void put(std::uint8_t* at, Number number) {
  number = big_endian(number);
  std::memcpy(at, &number, sizeof(number));
}

template <typename Number>
Number get(const std::uint8_t* at) {
  Number number{};
  std::memcpy(&number, at, sizeof(number));
  return big_endian(number);
}

}  // namespace

void encode(const Header& header, std::span<std::uint8_t, kIcvAt> out) {
  put(out.data(), header.spi.value);
  put(out.data() + kIvAt, header.name.key());
  put(out.data() + 8, header.number);
}

Header decode(std::span<const std::uint8_t, kIcvAt> in) {
  const auto name = get<std::uint32_t>(in.data() + kIvAt);
  return {EspSpi{get<std::uint32_t>(in.data())},
          {SenderId{static_cast<std::uint16_t>(name >> 16)}, WindowId{static_cast<std::uint16_t>(name)}},
          get<std::uint64_t>(in.data() + 8)};
}

std::optional<Header> decode_packet(BytesView packet) {
  if (packet.size() < kHeaderSize + kSmallestPayload || packet.size() > kLargestPacket) return std::nullopt;
  return decode(packet.first<kIcvAt>());
}

std::optional<std::size_t> inner_size(BytesView head, std::size_t available) {
  if (head.size() < 6) return std::nullopt;
  const int version = head[0] >> 4;
  std::size_t least = 0;
  std::size_t size = 0;
  if (version == 4) {
    least = std::size_t{head[0] & 0x0fU} * 4;  // IHL
    size = get<std::uint16_t>(head.data() + 2);
    if (least < kIpv4Header) return std::nullopt;
  } else if (version == 6) {
    least = kIpv6Header;
    size = kIpv6Header + get<std::uint16_t>(head.data() + 4);
  } else {
    return std::nullopt;
  }
  if (size < least || size > available) return std::nullopt;
  return size;
}

}  // namespace hasync::vpe
