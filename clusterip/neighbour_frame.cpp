#include "clusterip/neighbour_frame.h"

#include <algorithm>
#include <span>

namespace hasync::clusterip {
namespace {

constexpr Mac kAllNodesMac{0x33, 0x33, 0, 0, 0, 1};  // RFC 2464, section 7
constexpr std::array<std::uint8_t, 16> kAllNodes{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr std::array<std::uint8_t, 2> kEtherType{0x86, 0xdd};
constexpr std::uint8_t kIcmp = 58;
constexpr std::uint8_t kLength = 32;  // of the ICMPv6 message
// version 6, no class, no label; payload length, next header, hop limit (RFC 4861, section 7.1.2: 255)
constexpr std::array<std::uint8_t, 8> kIp{0x60, 0, 0, 0, 0, kLength, kIcmp, 255};
// type, code, checksum, flags: router and override
constexpr std::array<std::uint8_t, 8> kAdvertisement{136, 0, 0, 0, 0xa0, 0, 0, 0};
constexpr std::array<std::uint8_t, 2> kTargetLinkAddress{2, 1};  // option, length in units of eight bytes
constexpr std::size_t kSource = 14 + 8;
constexpr std::size_t kMessage = 14 + 40;

// RFC 1071; what it covers here is of even length.
std::uint32_t sum(std::span<const std::uint8_t> bytes) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2)
    out += static_cast<std::uint32_t>(bytes[i]) << 8U | bytes[i + 1];
  return out;
}

// RFC 8200, section 8.1: over addresses, length and next header as well.
std::uint16_t checksum(const AdvertisementFrame& frame) {
  std::uint32_t out = sum(std::span(frame).subspan(kSource)) + kLength + kIcmp;
  out = (out & 0xffffU) + (out >> 16U);
  return static_cast<std::uint16_t>(~((out & 0xffffU) + (out >> 16U)));
}

}  // namespace

AdvertisementFrame unsolicited_advertisement(const Mac& sender, const Address& address) {
  AdvertisementFrame frame{};
  auto at = frame.begin();
  const auto put = [&at](const auto& bytes) { at = std::ranges::copy(bytes, at).out; };
  put(kAllNodesMac);
  put(sender);
  put(kEtherType);
  put(kIp);
  put(address.wire());
  put(kAllNodes);
  put(kAdvertisement);
  put(address.wire());
  put(kTargetLinkAddress);
  put(sender);
  const std::uint16_t check = checksum(frame);
  frame[kMessage + 2] = static_cast<std::uint8_t>(check >> 8U);
  frame[kMessage + 3] = static_cast<std::uint8_t>(check);
  return frame;
}

}  // namespace hasync::clusterip
