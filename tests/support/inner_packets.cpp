#include "tests/support/inner_packets.h"

#include <cstdlib>

namespace hasync::vped::test {
namespace {

void put16(Bytes& out, std::size_t at, std::size_t value) {
  out[at] = static_cast<std::uint8_t>(value >> 8);
  out[at + 1] = static_cast<std::uint8_t>(value);
}

void put32(Bytes& out, std::size_t at, std::uint32_t value) {
  put16(out, at, value >> 16);
  put16(out, at + 2, value & 0xffffU);
}

// RFC 1071, one byte at a time.
std::uint32_t sum(BytesView bytes) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) out += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
  return out;
}

std::uint32_t fold(std::uint32_t value) {
  while (value > 0xffffU) value = (value & 0xffffU) + (value >> 16);
  return value;
}

std::uint32_t transport_sum(BytesView packet, std::size_t header, std::uint8_t protocol) {
  const BytesView addresses = header == 40 ? packet.subspan(8, 32) : packet.subspan(12, 8);
  const BytesView segment = packet.subspan(header);
  return sum(addresses) + protocol + static_cast<std::uint32_t>(segment.size()) + sum(segment);
}

Bytes ip(std::size_t payload, std::uint8_t protocol, const TcpOptions& options) {
  const std::size_t header = options.v4 ? 20 : 40;
  Bytes out(header + payload);
  const auto address = [&](std::string_view given, const char* usual, std::size_t at) {
    const Address parsed = Address::parse(given.empty() ? usual : given).value();
    std::copy(parsed.wire().begin(), parsed.wire().end(), out.begin() + static_cast<std::ptrdiff_t>(at));
  };
  if (options.v4) {
    out[0] = 0x45;
    out[1] = static_cast<std::uint8_t>(options.dscp << 2);
    put16(out, 2, out.size());
    put16(out, 4, options.id);
    out[6] = options.may_be_cut ? 0 : 0x40;
    out[8] = 64;
    out[9] = protocol;
    address(options.source, "10.1.0.1", 12);
    address(options.destination, "10.2.0.1", 16);
    put16(out, 10, 0xffffU ^ fold(sum(BytesView(out).first(20))));
  } else {
    out[0] = static_cast<std::uint8_t>(0x60 | (options.dscp >> 2));
    out[1] = static_cast<std::uint8_t>(options.dscp << 6);
    put16(out, 4, payload);
    out[6] = protocol;
    out[7] = 64;
    address(options.source, "fd00:1::1", 8);
    address(options.destination, "fd00:2::1", 24);
  }
  return out;
}

}  // namespace

std::uint8_t stream_byte(std::uint32_t sequence) {
  return static_cast<std::uint8_t>((sequence * 2654435761U) >> 24);
}

Bytes tcp(std::size_t payload, const TcpOptions& options) {
  Bytes out = ip(32 + payload, kTcp, options);
  const std::size_t at = options.v4 ? 20 : 40;
  put16(out, at, options.port);
  put16(out, at + 2, 80);
  put32(out, at + 4, options.sequence);
  put32(out, at + 8, 99);
  out[at + 12] = 8 << 4;
  out[at + 13] = options.flags;
  put16(out, at + 14, 4096);
  out[at + 20] = out[at + 21] = 1;
  out[at + 22] = 8;
  out[at + 23] = 10;
  put32(out, at + 24, 12345);
  for (std::size_t i = 0; i < payload; ++i)
    out[at + 32 + i] = stream_byte(options.sequence + static_cast<std::uint32_t>(i));
  put16(out, at + 16, 0xffffU ^ fold(transport_sum(out, at, kTcp)));
  return out;
}

Bytes udp(std::size_t payload, const TcpOptions& options) {
  Bytes out = ip(8 + payload, kUdp, options);
  const std::size_t at = options.v4 ? 20 : 40;
  put16(out, at, options.port);
  put16(out, at + 2, 53);
  put16(out, at + 4, 8 + payload);
  for (std::size_t i = 0; i < payload; ++i) out[at + 8 + i] = stream_byte(static_cast<std::uint32_t>(i));
  put16(out, at + 6, 0xffffU ^ fold(transport_sum(out, at, kUdp)));
  return out;
}

bool is_right(BytesView packet) {
  const bool v4 = packet[0] >> 4 == 4;
  const std::size_t header = v4 ? (packet[0] & 15U) * 4U : 40U;
  const std::size_t size = v4 ? packet[2] * 256U + packet[3] : 40U + packet[4] * 256U + packet[5];
  if (size != packet.size() || (v4 && fold(sum(packet.first(header))) != 0xffff)) return false;
  const std::uint8_t protocol = v4 ? packet[9] : packet[6];
  if (protocol == kIcmp) return fold(sum(packet.subspan(header))) == 0xffff;
  return fold(transport_sum(packet, header, protocol)) == 0xffff;
}

Inner inner_of(BytesView packet) {
  const auto inner = look_at(packet);
  if (!inner) std::abort();
  return *inner;
}

}  // namespace hasync::vped::test
