#include "testbed/capture/frame.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>

namespace hasync::testbed {

namespace {

constexpr std::uint16_t kArp = 0x0806;
constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kIpv6 = 0x86dd;
constexpr std::uint16_t kVlan = 0x8100;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIpv6Fragment = 44;
constexpr std::uint8_t kEsp = 50;
constexpr std::uint8_t kIcmp6 = 58;
constexpr std::uint8_t kAdvertisement = 136;
constexpr std::uint8_t kSolicited = 0x40;
constexpr std::uint16_t kIkePort = 500;
constexpr std::uint16_t kNattPort = 4500;
constexpr std::size_t kIkeHeader = 28;
constexpr std::uint8_t kEncryptedFragment = 53;  // RFC 7383, section 2.5

// Bytes from the front, never beyond the end: a read that does not fit yields nothing.
class Cursor {
 public:
  explicit Cursor(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  template <typename Number>
  std::optional<Number> number() {
    if (rest_.size() < sizeof(Number)) return std::nullopt;
    Number value = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) value = static_cast<Number>((value << 8U) | rest_[i]);
    rest_ = rest_.subspan(sizeof(Number));
    return value;
  }
  template <std::size_t N>
  std::optional<std::array<std::uint8_t, N>> array() {
    if (rest_.size() < N) return std::nullopt;
    std::array<std::uint8_t, N> out{};
    std::copy_n(rest_.begin(), N, out.begin());
    rest_ = rest_.subspan(N);
    return out;
  }
  bool skip(std::size_t count) {
    if (rest_.size() < count) return false;
    rest_ = rest_.subspan(count);
    return true;
  }
  void limit(std::size_t count) { rest_ = rest_.first(std::min(count, rest_.size())); }
  std::span<const std::uint8_t> rest() const { return rest_; }

 private:
  std::span<const std::uint8_t> rest_;
};

struct Packet {  // what the IP layer says of the bytes behind it
  Path path;
  std::uint8_t protocol = 0;
  bool first_fragment = false;
  bool later_fragment = false;
};

Address from_ipv4(const std::array<std::uint8_t, 4>& bytes) {
  Address address;
  address.bytes[10] = address.bytes[11] = 0xff;
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin() + 12);
  return address;
}

std::uint64_t digest_of(std::span<const std::uint8_t> bytes) {  // FNV-1a: tells repeats from changed messages
  std::uint64_t digest = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes) digest = (digest ^ byte) * 0x100000001b3;
  return digest;
}

// RFC 791, section 3.1. Returns why not, or nullptr.
const char* read_ipv4(Cursor& cursor, std::size_t wire_left, Packet& packet) {
  const auto header = cursor.array<20>();
  if (!header) return "IPv4 header is cut";
  const std::size_t header_length = ((*header)[0] & 0x0fU) * 4U;
  const std::size_t total = static_cast<std::size_t>((*header)[2] << 8U | (*header)[3]);
  if ((*header)[0] >> 4U != 4 || header_length < 20) return "IPv4 version or header length";
  if (total < header_length || total > wire_left) return "IPv4 total length";
  if (!cursor.skip(header_length - 20)) return "IPv4 options are cut";
  cursor.limit(total - header_length);
  const auto fragment = static_cast<unsigned>((*header)[6] << 8U | (*header)[7]);
  packet.later_fragment = (fragment & 0x1fffU) != 0;
  packet.first_fragment = !packet.later_fragment && (fragment & 0x2000U) != 0;
  packet.protocol = (*header)[9];
  std::array<std::uint8_t, 4> address{};
  std::copy_n(header->begin() + 12, 4, address.begin());
  packet.path.source = from_ipv4(address);
  std::copy_n(header->begin() + 16, 4, address.begin());
  packet.path.destination = from_ipv4(address);
  return nullptr;
}

// RFC 8200, sections 3 and 4.5. Of the extension headers only the fragment header is followed.
const char* read_ipv6(Cursor& cursor, std::size_t wire_left, Packet& packet) {
  const auto header = cursor.array<8>();
  const auto source = cursor.array<16>();
  const auto destination = cursor.array<16>();
  if (!header || !source || !destination) return "IPv6 header is cut";
  const std::size_t length = static_cast<std::size_t>((*header)[4] << 8U | (*header)[5]);
  if ((*header)[0] >> 4U != 6) return "IPv6 version";
  if (length + 40 > wire_left) return "IPv6 payload length";
  cursor.limit(length);
  packet.protocol = (*header)[6];
  packet.path.source.bytes = *source;
  packet.path.destination.bytes = *destination;
  if (packet.protocol != kIpv6Fragment) return nullptr;
  const auto fragment = cursor.array<8>();
  if (!fragment) return "IPv6 fragment header is cut";
  const auto place = static_cast<unsigned>((*fragment)[2] << 8U | (*fragment)[3]);
  packet.protocol = (*fragment)[0];
  packet.later_fragment = (place & 0xfff8U) != 0;
  packet.first_fragment = !packet.later_fragment && (place & 1U) != 0;
  return nullptr;
}

Frame read_esp(Cursor cursor, const Packet& packet, bool in_udp) {
  EspPacket esp{.path = packet.path, .in_udp = in_udp, .fragment = packet.first_fragment};
  const auto spi = cursor.number<std::uint32_t>();
  const auto number = cursor.number<std::uint32_t>();
  const auto iv = cursor.array<8>();
  if (!spi || !number || !iv) return Malformed{"ESP packet is too short for SPI, number and IV"};
  if (*spi < 256) return Malformed{"ESP SPI below 256"};  // RFC 4303, section 2.1
  esp.spi = *spi;
  esp.number = *number;
  esp.iv = *iv;
  return esp;
}

Frame read_ike(Cursor cursor, const Packet& packet, std::size_t wire_length) {
  const auto whole = cursor.rest();
  IkeMessage ike{.path = packet.path};
  const auto initiator = cursor.number<std::uint64_t>();
  const auto responder = cursor.number<std::uint64_t>();
  const auto next = cursor.number<std::uint8_t>();
  const auto version = cursor.number<std::uint8_t>();
  const auto exchange = cursor.number<std::uint8_t>();
  const auto flags = cursor.number<std::uint8_t>();
  const auto id = cursor.number<std::uint32_t>();
  const auto length = cursor.number<std::uint32_t>();
  if (!initiator || !responder || !next || !version || !exchange || !flags || !id || !length)
    return Malformed{"IKE header is cut"};
  if (*version >> 4U != 2) return Malformed{"IKE major version is not 2"};
  if (*length < kIkeHeader || *length > wire_length) return Malformed{"IKE length"};
  ike.initiator_spi = *initiator;
  ike.responder_spi = *responder;
  ike.exchange = *exchange;
  ike.message_id = *id;
  ike.response = (*flags & 0x20U) != 0;
  ike.from_initiator = (*flags & 0x08U) != 0;
  ike.digest = digest_of(whole.first(std::min<std::size_t>(whole.size(), *length)));
  if (*next == kEncryptedFragment) {
    if (!cursor.skip(4)) return Malformed{"IKE fragment payload is cut"};
    const auto fragment = cursor.number<std::uint16_t>();
    if (!fragment || *fragment == 0) return Malformed{"IKE fragment number"};
    ike.fragment = *fragment;
  }
  return ike;
}

Frame read_udp(Cursor cursor, const Packet& packet) {
  const auto source = cursor.number<std::uint16_t>();
  const auto destination = cursor.number<std::uint16_t>();
  const auto length = cursor.number<std::uint16_t>();
  if (!source || !destination || !length || !cursor.skip(2)) return Malformed{"UDP header is cut"};
  if (*length < 8) return Malformed{"UDP length"};
  const std::size_t payload = *length - 8U;
  cursor.limit(payload);
  if (*source == kIkePort || *destination == kIkePort) return read_ike(cursor, packet, payload);
  if (*source != kNattPort && *destination != kNattPort) return Other{};
  if (payload == 1) return Keepalive{};
  Cursor ahead = cursor;
  const auto marker = ahead.number<std::uint32_t>();
  if (!marker) return Malformed{"UDP 4500 without a marker"};
  return *marker == 0 ? read_ike(ahead, packet, payload - 4) : read_esp(cursor, packet, true);
}

// RFC 826: what is asked for, or answered, is the sender's own address.
Frame read_arp(Cursor cursor, const Mac& sender) {
  const bool header = cursor.skip(8 + 6);
  const auto own = cursor.array<4>();
  const bool target = cursor.skip(6);
  const auto asked = cursor.array<4>();
  if (!header || !own || !target || !asked) return Malformed{"ARP packet is cut"};
  if (*own != *asked) return Other{};
  return Announcement{sender, from_ipv4(*own)};
}

// RFC 4861, section 4.4
Frame read_icmp6(Cursor cursor, const Mac& sender) {
  const auto type = cursor.number<std::uint8_t>();
  if (type != kAdvertisement || !cursor.skip(3)) return Other{};
  const auto flags = cursor.number<std::uint8_t>();
  const bool reserved = cursor.skip(3);
  const auto address = cursor.array<16>();
  if (!flags || !reserved || !address) return Malformed{"neighbour advertisement is cut"};
  if ((*flags & kSolicited) != 0) return Other{};
  return Announcement{sender, {*address}};
}

}  // namespace

Frame decode_frame(std::span<const std::uint8_t> bytes, std::size_t wire_length) {
  Cursor cursor(bytes);
  const auto to = cursor.array<6>();
  const auto from = cursor.array<6>();
  auto type = cursor.number<std::uint16_t>();
  if (type && *type == kVlan && cursor.skip(2)) type = cursor.number<std::uint16_t>();
  if (!to || !from || !type || wire_length < bytes.size()) return Malformed{"Ethernet header is cut"};
  if (*type == kArp) return read_arp(cursor, {*from});
  if (*type != kIpv4 && *type != kIpv6) return Other{};
  const std::size_t wire_left = wire_length - (bytes.size() - cursor.rest().size());

  Packet packet;
  packet.path.sender.bytes = *from;
  const char* problem =
      *type == kIpv4 ? read_ipv4(cursor, wire_left, packet) : read_ipv6(cursor, wire_left, packet);
  if (problem != nullptr) return Malformed{problem};
  if (packet.later_fragment) return LaterFragment{};
  if (packet.protocol == kEsp) return read_esp(cursor, packet, false);
  if (packet.protocol == kUdp) return read_udp(cursor, packet);
  if (packet.protocol == kIcmp6) return read_icmp6(cursor, packet.path.sender);
  return Other{};
}

std::string to_string(const Mac& mac) {
  std::array<char, 18> text{};
  const auto& b = mac.bytes;
  std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
                b[5]);
  return text.data();
}

bool parse_mac(const std::string& text, Mac& mac) {
  std::array<unsigned, 6> parts{};
  char after = 0;
  if (std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &parts[0], &parts[1], &parts[2], &parts[3],
                  &parts[4], &parts[5], &after) != 6)
    return false;
  std::transform(parts.begin(), parts.end(), mac.bytes.begin(),
                 [](unsigned part) { return static_cast<std::uint8_t>(part); });
  return true;
}

std::string to_string(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, address.bytes.data(), text.data(), text.size());
  const std::string whole = text.data();
  return whole.starts_with("::ffff:") ? whole.substr(7) : whole;
}

bool parse_address(const std::string& text, Address& address) {
  const std::string whole = text.find(':') == std::string::npos ? "::ffff:" + text : text;
  return inet_pton(AF_INET6, whole.c_str(), address.bytes.data()) == 1;
}

}  // namespace hasync::testbed
