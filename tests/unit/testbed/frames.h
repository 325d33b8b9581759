// Builds frames as they stand on the wire, for the capture checker's tests, and capture files of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "testbed/capture/frame.h"

namespace hasync::testbed {

using Bytes = std::vector<std::uint8_t>;

inline constexpr Mac kGateway1{{2, 0, 0, 0, 1, 1}};
inline constexpr Mac kGateway2{{2, 0, 0, 0, 1, 2}};
inline constexpr Mac kPeer{{2, 0, 0, 0, 1, 10}};

struct EspFields {
  std::uint32_t spi = 0xc1000001;
  std::uint32_t number = 1;
  std::uint64_t iv = 0;  // 0: made from the number
  Mac sender = kGateway1;
  bool to_peer = true;
  bool in_udp = false;
};
Bytes esp_frame(const EspFields& fields);

struct IkeFields {
  std::uint64_t initiator_spi = 0x1111;
  std::uint64_t responder_spi = 0x2222;
  std::uint8_t exchange = 37;
  std::uint32_t message_id = 0;
  bool by_peer = true;  // the sender of this message; the peer is the IKE_SA's initiator
  Mac gateway = kGateway1;
  bool response = false;
  std::uint8_t content = 0;
  std::uint16_t port = 4500;
  std::uint16_t fragment = 0;  // RFC 7383
};
Bytes ike_frame(const IkeFields& fields);

Bytes ipv4_frame(const Mac& sender, bool to_peer, std::uint8_t protocol, const Bytes& payload,
                 std::uint16_t fragment_field = 0);
Bytes ipv6_frame(std::uint8_t protocol, const Bytes& payload, const Mac& sender = kPeer);
// The gateways' address is the sender's own; or somebody asks who has it.
Bytes arp_frame(const Mac& sender, bool gratuitous = true);
// 2001::1
Bytes advertisement_frame(const Mac& sender, bool solicited = false);
Bytes udp(std::uint16_t port, const Bytes& payload);

struct Recorded {
  std::int64_t at_ns;
  Bytes frame;
};
// A pcap file with nanosecond times; returns its path.
std::string write_capture(const std::string& name, const std::vector<Recorded>& frames);

}  // namespace hasync::testbed
