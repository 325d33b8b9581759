#include "vped/split.h"

#include <algorithm>

#include "vpe/big_endian.h"
#include "vped/checksum.h"
#include "vped/tcp.h"

namespace hasync::vped {
namespace {

// The sum of the pseudo header stands in the field already.
bool complete_checksum(const Offload& offload, std::span<std::uint8_t> packet, const Inner& inner) {
  const std::size_t field = std::size_t{offload.checksum_start} + offload.checksum_offset;
  if (offload.checksum_start < inner.header || field + 2 > packet.size()) return false;
  std::uint16_t sum = checksum_of(add_up(packet.subspan(offload.checksum_start)));
  if (sum == 0 && inner.protocol == kUdp) sum = 0xffff;  // RFC 768: 0 would mean that there is none
  store(packet.data() + field, sum);
  return true;
}

}  // namespace

std::optional<Split> Split::create(const Offload& offload, std::span<std::uint8_t> packet,
                                   const Inner& inner) {
  Split out(packet, inner);
  const int kind = offload.kind & ~Offload::Ecn;
  const bool open = (offload.flags & Offload::NeedsChecksum) != 0;
  if (kind == Offload::Whole) {
    if (open && !complete_checksum(offload, packet, inner)) return std::nullopt;
    return out;
  }
  if (kind != (inner.v4 ? Offload::Tcp4 : Offload::Tcp6) || !open || offload.segment == 0 || !inner.whole)
    return std::nullopt;
  out.transport_ = offload.checksum_start;
  if (out.transport_ < inner.header || out.transport_ + kTcpHeader > packet.size()) return std::nullopt;
  out.header_ = out.transport_ + tcp_header_size(packet.data() + out.transport_);
  if (out.header_ < out.transport_ + kTcpHeader || out.header_ > kLargestHeader ||
      out.header_ >= packet.size())
    return std::nullopt;
  out.segment_ = offload.segment;
  out.count_ = (packet.size() - out.header_ + out.segment_ - 1) / out.segment_;
  return out;
}

std::optional<Split> Split::fragments(BytesView packet, const Inner& inner, std::size_t mtu) {
  constexpr std::size_t header = 20, unit = 8;
  if (!inner.may_be_cut || inner.header != header || mtu < header + unit) return std::nullopt;
  Split out(packet, inner);
  out.fragments_ = true;
  out.header_ = header;
  out.segment_ = (mtu - header) / unit * unit;
  out.count_ = std::max<std::size_t>(1, (packet.size() - header + out.segment_ - 1) / out.segment_);
  return out;
}

BytesView Split::payload(std::size_t i) const {
  const std::size_t from = header_ + i * segment_;
  return packet_.subspan(from,
                         count_ == 1 ? packet_.size() - from : std::min(segment_, packet_.size() - from));
}

void Split::write_fragment_header(std::size_t i, std::uint8_t* to) const {
  constexpr std::uint16_t more = 0x2000, offset_bits = 0x1fff;
  std::copy_n(packet_.data(), header_, to);
  set_ip_size(to, inner_, header_ + payload(i).size());
  const auto field = vpe::get_big_endian<std::uint16_t>(to + 6);
  const std::size_t offset = (field & offset_bits) + i * segment_ / 8;
  const bool last = i + 1 == count_ && (field & more) == 0;
  vpe::put_big_endian(to + 6, static_cast<std::uint16_t>((offset & offset_bits) | (last ? 0 : more)));
  complete_ip_checksum(to, inner_);
}

void Split::write_header(std::size_t i, std::uint8_t* to) const {
  if (fragments_) return write_fragment_header(i, to);
  std::copy_n(packet_.data(), header_, to);
  const BytesView data = payload(i);
  std::uint8_t* const tcp = to + transport_;
  set_ip_size(to, inner_, header_ + data.size());
  if (inner_.v4) {
    const auto id = static_cast<std::uint16_t>(vpe::get_big_endian<std::uint16_t>(to + 4) + i);
    vpe::put_big_endian(to + 4, id);
    complete_ip_checksum(to, inner_);
  }
  const auto sequence = vpe::get_big_endian<std::uint32_t>(tcp + kTcpSequence);
  vpe::put_big_endian(tcp + kTcpSequence, static_cast<std::uint32_t>(sequence + i * segment_));
  if (i + 1 < count_) tcp[kTcpFlags] &= static_cast<std::uint8_t>(~(kTcpFin | kTcpPush));
  if (i > 0) tcp[kTcpFlags] &= static_cast<std::uint8_t>(~kTcpCwr);  // RFC 3168, section 6.1.2: once
  store(tcp + kTcpChecksum, 0);
  const std::size_t size = header_ - transport_ + data.size();
  const std::uint64_t sum = add_up({tcp, header_ - transport_}, pseudo_header(to, inner_.v4, kTcp, size));
  store(tcp + kTcpChecksum, checksum_of(add_up(data, sum)));
}

}  // namespace hasync::vped
