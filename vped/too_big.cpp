#include "vped/too_big.h"

#include <algorithm>

#include "vpe/big_endian.h"
#include "vped/checksum.h"

namespace hasync::vped {
namespace {

constexpr std::size_t kIcmpHeader = 8;
constexpr std::size_t kLeastMtu6 = 1280;                      // RFC 8200, section 5
constexpr std::size_t kMost4 = 576 - 20, kMost6 = 1280 - 40;  // of the error (RFC 1812; RFC 4443)

bool is_error(BytesView packet, const Inner& inner) {
  if (packet.size() <= inner.header) return false;
  const std::uint8_t type = packet[inner.header];
  if (!inner.v4) return inner.protocol == kIcmp6 && type < 128;
  return inner.protocol == kIcmp && type != 0 && type != 8;  // all but echo
}

bool for_many(const Inner& inner) {
  const std::uint8_t first = inner.v4 ? inner.destination.bytes[12] : inner.destination.bytes[0];
  return inner.v4 ? first >= 224 : first == 0xff;
}

Bytes with_icmp(BytesView packet, std::size_t header, std::size_t most) {
  const std::size_t quoted = std::min(packet.size(), most - kIcmpHeader);
  Bytes out(header + kIcmpHeader + quoted);
  std::copy_n(packet.begin(), quoted, out.begin() + static_cast<std::ptrdiff_t>(header + kIcmpHeader));
  return out;
}

Bytes answer4(BytesView packet, const Inner& inner, std::size_t mtu) {
  Bytes out = with_icmp(packet, 20, kMost4);
  std::uint8_t *ip = out.data(), *icmp = ip + 20;
  ip[0] = 0x45;
  ip[8] = 64;
  ip[9] = kIcmp;
  vpe::put_big_endian(ip + 2, static_cast<std::uint16_t>(out.size()));
  std::copy_n(inner.destination.bytes.begin() + 12, 4, ip + 12);
  std::copy_n(inner.source.bytes.begin() + 12, 4, ip + 16);
  store(ip + 10, checksum_of(add_up({ip, 20})));
  icmp[0] = 3;  // destination unreachable: fragmentation needed and DF set
  icmp[1] = 4;
  vpe::put_big_endian(icmp + 6, static_cast<std::uint16_t>(mtu));
  store(icmp + 2, checksum_of(add_up({icmp, out.size() - 20})));
  return out;
}

Bytes answer6(BytesView packet, const Inner& inner, std::size_t mtu) {
  Bytes out = with_icmp(packet, 40, kMost6);
  std::uint8_t *ip = out.data(), *icmp = ip + 40;
  const std::size_t size = out.size() - 40;
  ip[0] = 0x60;
  vpe::put_big_endian(ip + 4, static_cast<std::uint16_t>(size));
  ip[6] = kIcmp6;
  ip[7] = 64;
  std::copy_n(inner.destination.bytes.begin(), 16, ip + 8);
  std::copy_n(inner.source.bytes.begin(), 16, ip + 24);
  icmp[0] = 2;  // packet too big
  vpe::put_big_endian(icmp + 4, static_cast<std::uint32_t>(mtu));
  store(icmp + 2, checksum_of(add_up({icmp, size}, pseudo_header(ip, false, kIcmp6, size))));
  return out;
}

}  // namespace

std::optional<Bytes> too_big(BytesView packet, const Inner& inner, std::size_t mtu) {
  if (inner.may_be_cut || !inner.first || is_error(packet, inner) || for_many(inner)) return std::nullopt;
  if (!inner.v4 && mtu < kLeastMtu6) return std::nullopt;
  return inner.v4 ? answer4(packet, inner, mtu) : answer6(packet, inner, mtu);
}

}  // namespace hasync::vped
