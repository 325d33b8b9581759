#include "vped/inner.h"

#include <algorithm>

#include "vpe/packet.h"

namespace hasync::vped {
namespace {

Address v4_at(const std::uint8_t* at) {
  Address out;
  out.bytes[10] = out.bytes[11] = 0xff;
  std::copy_n(at, 4, out.bytes.begin() + 12);
  return out;
}

Address v6_at(const std::uint8_t* at) {
  Address out;
  std::copy_n(at, 16, out.bytes.begin());
  return out;
}

}  // namespace

std::optional<Inner> look_at(BytesView packet) {
  const auto size = vpe::inner_size(packet, packet.size());
  if (!size) return std::nullopt;
  const std::uint8_t* p = packet.data();
  Inner out{.size = *size};
  if (p[0] >> 4 == 4) {
    const auto fragment = vpe::get_big_endian<std::uint16_t>(p + 6);
    out.header = std::size_t{p[0] & 0x0fU} * 4;
    out.protocol = p[9];
    out.dscp = static_cast<std::uint8_t>(p[1] >> 2);
    out.may_be_cut = (fragment & 0x4000U) == 0;
    out.first = (fragment & 0x1fffU) == 0;
    out.whole = (fragment & 0x3fffU) == 0;
    out.source = v4_at(p + 12);
    out.destination = v4_at(p + 16);
    return out;
  }
  out.v4 = false;
  out.header = 40;
  out.protocol = p[6];
  out.dscp = static_cast<std::uint8_t>(((p[0] & 0x0fU) << 2) | (p[1] >> 6));
  out.source = v6_at(p + 8);
  out.destination = v6_at(p + 24);
  return out;
}

}  // namespace hasync::vped
