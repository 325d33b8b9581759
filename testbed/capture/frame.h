// What a frame on the wire means to the checker: an ESP packet, an IKE message, an announcement of an
// address, something else, or bytes that break a rule. It knows no state and no file format. Ethernet (one
// VLAN tag at most), IPv4 and IPv6. ESP: RFC 4303, section 2. UDP encapsulation: RFC 3948, section 2. IKE
// header: RFC 7296, section 3.1. Announcements: RFC 5227, section 3 (ARP), and RFC 4861, section 7.2.6
// (neighbour advertisements).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <variant>

namespace hasync::testbed {

struct Mac {
  std::array<std::uint8_t, 6> bytes{};
  auto operator<=>(const Mac&) const = default;
};
std::string to_string(const Mac& mac);
// "02:00:00:00:01:01" -> true and *mac
bool parse_mac(const std::string& text, Mac& mac);

// An IPv4 address stands as ::ffff:a.b.c.d.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Address&) const = default;
};
std::string to_string(const Address& address);
bool parse_address(const std::string& text, Address& address);

struct Path {
  Mac sender;  // of this hop: it tells which node it was
  Address source;
  Address destination;
  bool operator==(const Path&) const = default;
};

struct EspPacket {
  Path path;
  std::uint32_t spi = 0;
  std::uint32_t number = 0;  // the low 32 bits, which are all that the wire shows (RFC 4303, section 2.2.1)
  std::array<std::uint8_t, 8> iv{};
  bool in_udp = false;
  bool fragment = false;  // the first one of several
};

struct IkeMessage {
  Path path;
  std::uint64_t initiator_spi = 0;
  std::uint64_t responder_spi = 0;
  std::uint8_t exchange = 0;
  std::uint32_t message_id = 0;
  std::uint16_t fragment = 0;  // RFC 7383, section 2.5: its number, or 0
  bool response = false;
  bool from_initiator = false;  // of the IKE_SA, not of the exchange
  std::uint64_t digest = 0;     // of the message's bytes, as far as they were kept
};

// A node says unasked that an address is its own.
struct Announcement {
  Mac sender;
  Address address;
};

struct LaterFragment {};  // no ports, no SPI: which packet it belongs to is not followed up
struct Keepalive {};      // RFC 3948, section 2.3
struct Other {};
struct Malformed {
  std::string why;
};

using Frame = std::variant<EspPacket, IkeMessage, Announcement, LaterFragment, Keepalive, Other, Malformed>;

// `bytes` may be cut by the capture's snap length; `wire_length` is how long the frame was.
Frame decode_frame(std::span<const std::uint8_t> bytes, std::size_t wire_length);

}  // namespace hasync::testbed
