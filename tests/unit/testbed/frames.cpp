#include "frames.h"

#include <gtest/gtest.h>

#include <fstream>

namespace hasync::testbed {

namespace {

template <typename Number>
void put(Bytes& out, Number value) {
  for (std::size_t i = sizeof(Number); i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void append(Bytes& out, const Bytes& more) {
  out.insert(out.end(), more.begin(), more.end());
}

Bytes ethernet(const Mac& sender, std::uint16_t type, const Bytes& payload) {
  Bytes out;
  for (int i = 0; i < 6; ++i) out.push_back(0xff);
  for (const std::uint8_t byte : sender.bytes) out.push_back(byte);
  put(out, type);
  append(out, payload);
  return out;
}

}  // namespace

Bytes ipv4_frame(const Mac& sender, bool to_peer, std::uint8_t protocol, const Bytes& payload,
                 std::uint16_t fragment_field) {
  Bytes packet{0x45, 0};
  put(packet, static_cast<std::uint16_t>(20 + payload.size()));
  put<std::uint16_t>(packet, 7);
  put(packet, fragment_field);
  packet.push_back(64);
  packet.push_back(protocol);
  put<std::uint16_t>(packet, 0);
  const Bytes gateway{192, 0, 2, 100};
  const Bytes peer{192, 0, 2, 10};
  append(packet, to_peer ? gateway : peer);
  append(packet, to_peer ? peer : gateway);
  append(packet, payload);
  return ethernet(sender, 0x0800, packet);
}

Bytes ipv6_frame(std::uint8_t protocol, const Bytes& payload, const Mac& sender) {
  Bytes packet{0x60, 0, 0, 0};
  put(packet, static_cast<std::uint16_t>(payload.size()));
  packet.push_back(protocol);
  packet.push_back(64);
  for (int end = 1; end <= 2; ++end) {
    Bytes address(16, 0);
    address[0] = 0x20;
    address[1] = 0x01;
    address[15] = static_cast<std::uint8_t>(end);
    append(packet, address);
  }
  append(packet, payload);
  return ethernet(sender, 0x86dd, packet);
}

Bytes arp_frame(const Mac& sender, bool gratuitous) {
  Bytes packet{0, 1, 8, 0, 6, 4, 0, 1};
  append(packet, {sender.bytes.begin(), sender.bytes.end()});
  append(packet, {192, 0, 2, static_cast<std::uint8_t>(gratuitous ? 100 : 1)});
  append(packet, Bytes(6, 0));
  append(packet, {192, 0, 2, 100});
  return ethernet(sender, 0x0806, packet);
}

Bytes advertisement_frame(const Mac& sender, bool solicited) {
  Bytes message{136, 0, 0, 0, static_cast<std::uint8_t>(solicited ? 0x60 : 0x20), 0, 0, 0};
  append(message, {0x20, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  return ipv6_frame(58, message, sender);
}

Bytes udp(std::uint16_t port, const Bytes& payload) {
  Bytes out;
  put(out, port);
  put(out, port);
  put(out, static_cast<std::uint16_t>(8 + payload.size()));
  put<std::uint16_t>(out, 0);
  append(out, payload);
  return out;
}

Bytes esp_frame(const EspFields& fields) {
  Bytes packet;
  put(packet, fields.spi);
  put(packet, fields.number);
  put(packet, fields.iv != 0 ? fields.iv : std::uint64_t{0xabcd} << 32U | fields.number);
  packet.resize(packet.size() + 64, 0x5a);
  return fields.in_udp ? ipv4_frame(fields.sender, fields.to_peer, 17, udp(4500, packet))
                       : ipv4_frame(fields.sender, fields.to_peer, 50, packet);
}

Bytes ike_frame(const IkeFields& fields) {
  Bytes message;
  if (fields.port == 4500) put<std::uint32_t>(message, 0);
  put(message, fields.initiator_spi);
  put(message, fields.responder_spi);
  message.push_back(fields.fragment != 0 ? 53 : 46);
  message.push_back(0x20);
  message.push_back(fields.exchange);
  message.push_back(static_cast<std::uint8_t>((fields.by_peer ? 0x08 : 0) | (fields.response ? 0x20 : 0)));
  put(message, fields.message_id);
  Bytes payload{0, 0, 0, 40};
  if (fields.fragment != 0) {
    put(payload, fields.fragment);
    put<std::uint16_t>(payload, 2);
  }
  payload.resize(40, fields.content);
  put(message, static_cast<std::uint32_t>(28 + payload.size()));
  append(message, payload);
  return ipv4_frame(fields.by_peer ? kPeer : fields.gateway, !fields.by_peer, 17, udp(fields.port, message));
}

std::string write_capture(const std::string& name, const std::vector<Recorded>& frames) {
  const std::string path = ::testing::TempDir() + name;
  std::ofstream out(path, std::ios::binary);
  Bytes bytes;
  put<std::uint32_t>(bytes, 0xa1b23c4d);  // nanoseconds, big endian
  put<std::uint16_t>(bytes, 2);
  put<std::uint16_t>(bytes, 4);
  put<std::uint64_t>(bytes, 0);
  put<std::uint32_t>(bytes, 65535);
  put<std::uint32_t>(bytes, 1);
  for (const Recorded& one : frames) {
    put(bytes, static_cast<std::uint32_t>(one.at_ns / 1'000'000'000));
    put(bytes, static_cast<std::uint32_t>(one.at_ns % 1'000'000'000));
    put(bytes, static_cast<std::uint32_t>(one.frame.size()));
    put(bytes, static_cast<std::uint32_t>(one.frame.size()));
    append(bytes, one.frame);
  }
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return path;
}

}  // namespace hasync::testbed
