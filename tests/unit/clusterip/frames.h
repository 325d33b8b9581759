// Builds frames byte by byte for the tests of the eBPF programs. Values in host order, addresses as text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"

namespace hasync::clusterip::test {

using Bytes = std::vector<std::uint8_t>;

struct Ipv4 {
  std::string from;
  std::string to;
  std::uint8_t protocol = 50;
  std::uint8_t options = 0;    // 32-bit words
  std::uint16_t fragment = 0;  // flags and offset, as on the wire
  std::uint16_t id = 0x1234;
  int length_error = 0;  // added to the total length field
  std::uint8_t version = 4;
};

inline Address address(const std::string& text) {
  return *Address::parse(text);
}

inline void put16(Bytes& to, std::uint32_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

inline void put32(Bytes& to, std::uint32_t value) {
  put16(to, value >> 16);
  put16(to, value & 0xffff);
}

inline void append(Bytes& to, std::span<const std::uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

inline Bytes ethernet(std::uint16_t type, const Bytes& body, std::uint8_t first_byte_of_destination = 0x02) {
  Bytes frame{first_byte_of_destination, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1};
  put16(frame, type);
  append(frame, body);
  return frame;
}

inline std::uint16_t ip_checksum(const Bytes& header) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < header.size(); i += 2) sum += std::uint32_t{header[i]} << 8 | header[i + 1];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

inline Bytes ipv4_packet(const Ipv4& ip, const Bytes& payload) {
  const std::uint32_t words = 5U + ip.options;
  Bytes packet{static_cast<std::uint8_t>(std::uint32_t{ip.version} << 4U | words), 0};
  put16(packet, static_cast<std::uint32_t>(static_cast<int>(words * 4 + payload.size()) + ip.length_error));
  put16(packet, ip.id);
  put16(packet, ip.fragment);
  packet.push_back(64);
  packet.push_back(ip.protocol);
  put16(packet, 0);
  append(packet, address(ip.from).wire());
  append(packet, address(ip.to).wire());
  packet.resize(words * 4, 1);  // options: all "no operation"
  const std::uint16_t sum = ip_checksum(packet);
  packet[10] = static_cast<std::uint8_t>(sum >> 8);
  packet[11] = static_cast<std::uint8_t>(sum);
  append(packet, payload);
  return packet;
}

inline Bytes ipv4_frame(const Ipv4& ip, const Bytes& payload) {
  return ethernet(0x0800, ipv4_packet(ip, payload));
}

inline Bytes ipv6_frame(const std::string& from, const std::string& to, std::uint8_t next,
                        const Bytes& payload) {
  Bytes packet{0x60, 0, 0, 0};
  put16(packet, static_cast<std::uint32_t>(payload.size()));
  packet.push_back(next);
  packet.push_back(64);
  append(packet, address(from).wire());
  append(packet, address(to).wire());
  append(packet, payload);
  return ethernet(0x86dd, packet);
}

inline Bytes udp(std::uint16_t source, std::uint16_t destination, const Bytes& body, int length_error = 0) {
  Bytes datagram;
  put16(datagram, source);
  put16(datagram, destination);
  put16(datagram, static_cast<std::uint32_t>(static_cast<int>(8 + body.size()) + length_error));
  put16(datagram, 0);
  append(datagram, body);
  return datagram;
}

inline Bytes esp(std::uint32_t spi, std::uint32_t number, std::size_t rest = 32) {
  Bytes packet;
  put32(packet, spi);
  put32(packet, number);
  packet.resize(packet.size() + rest, 0xa5);
  return packet;
}

inline Bytes ike(bool marker = false) {
  Bytes message(marker ? 32 : 28, 0x11);
  if (marker) std::fill_n(message.begin(), 4, std::uint8_t{0});
  return message;
}

inline Bytes arp(std::uint16_t operation, const std::string& sender, const std::string& target) {
  Bytes body{0, 1, 8, 0, 6, 4};
  put16(body, operation);
  append(body, Bytes{2, 0, 0, 0, 0, 1});
  append(body, address(sender).wire());
  append(body, Bytes{2, 0, 0, 0, 0, 2});
  append(body, address(target).wire());
  return ethernet(0x0806, body);
}

// A solicitation (135) or advertisement (136) for `target`.
inline Bytes neighbour(std::uint8_t type, const std::string& from, const std::string& target) {
  Bytes message;
  put32(message, std::uint32_t{type} << 24);
  put32(message, 0x20000000);
  append(message, address(target).wire());
  append(message, Bytes{2, 1, 2, 0, 0, 0, 0, 1});
  return ipv6_frame(from, "ff02::1", 58, message);
}

}  // namespace hasync::clusterip::test
