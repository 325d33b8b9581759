// VPE's packet (Pfeiffer and Rossberg, "About the Challenges of Running Software-Defined ESP in Data
// Centers"; docs/vpe.md has the choices that the slides leave open). 32 bytes of header, then the ciphertext
// of one IP packet, and nothing after it: no trailer, padding or next header. All numbers are big endian.
//
//    0       4            6            8                 16                32
//    | SPI   | SenderID   | WindowID   | number (ESN)    | ICV             | ciphertext ...
//    | 32    | 16         | 16         | 64              | 128             |
//            `---------- IV, 12 bytes, in place --------´
//
// AES-GCM without additional data: who alters SenderID, WindowID or number alters the IV, who alters the SPI
// sends it to another key. As the first four bytes are an SPI, VPE shares UDP port 4500 with IKE and ESP
// (RFC 3948, section 2.2: four zero bytes are IKE).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/ids.h"
#include "vpe/big_endian.h"

namespace hasync::vpe {

inline constexpr std::size_t kHeaderSize = 32;
inline constexpr std::size_t kIvAt = 4;
inline constexpr std::size_t kIvSize = 12;
inline constexpr std::size_t kIcvAt = 16;
inline constexpr std::size_t kIcvSize = 16;
inline constexpr std::size_t kLargestPacket = 65535;                          // header and payload
inline constexpr std::size_t kLargestPayload = kLargestPacket - kHeaderSize;  // one IP packet
inline constexpr std::size_t kSmallestPayload = 20;                           // an IPv4 header

inline constexpr std::uint64_t kFirstNumber = 1;  // as in RFC 4303, section 3.3.3: 0 is never sent
inline constexpr std::uint64_t kLastNumber = ~std::uint64_t{0};

using SenderId = Id<struct SenderIdTag, std::uint16_t>;
using WindowId = Id<struct WindowIdTag, std::uint16_t>;  // its bits: window_id.h

inline constexpr SenderId kUnicast{0};  // the SenderID of every SA that has one sender

// What names a replay window within an SA.
struct WindowName {
  SenderId sender;
  WindowId window;
  constexpr auto operator<=>(const WindowName&) const = default;
  constexpr std::uint32_t key() const { return (std::uint32_t{sender.value} << 16) | window.value; }
};

struct Header {
  EspSpi spi;
  WindowName name;
  std::uint64_t number = 0;
  bool operator==(const Header&) const = default;
};

// The first 16 bytes; the ICV stands in the 16 after them.
inline void encode(const Header& header, std::span<std::uint8_t, kIcvAt> out) {
  put_big_endian(out.data(), (std::uint64_t{header.spi.value} << 32) | header.name.key());
  put_big_endian(out.data() + 8, header.number);
}
inline Header decode(std::span<const std::uint8_t, kIcvAt> in) {
  const auto first = get_big_endian<std::uint64_t>(in.data());
  return {EspSpi{static_cast<std::uint32_t>(first >> 32)},
          {SenderId{static_cast<std::uint16_t>(first >> 16)}, WindowId{static_cast<std::uint16_t>(first)}},
          get_big_endian<std::uint64_t>(in.data() + 8)};
}
// Nothing: shorter than header and smallest payload, or longer than the largest packet.
std::optional<Header> decode_packet(BytesView packet);

// Of an IP packet (IPv4: RFC 791, section 3.1; IPv6: RFC 8200, section 3), by its first nibble and its length
// field. Nothing: neither, or it says that it is longer than `available`, or shorter than its own header.
// `head`: its first bytes, at least six of them, or fewer if there are no more.
inline std::optional<std::size_t> inner_size(BytesView head, std::size_t available) {
  if (head.size() < 6) return std::nullopt;
  const int version = head[0] >> 4;
  std::size_t least = 40, size = 0;
  if (version == 4) {
    least = std::size_t{head[0] & 0x0fU} * 4;  // IHL
    size = get_big_endian<std::uint16_t>(head.data() + 2);
    if (least < kSmallestPayload) return std::nullopt;
  } else if (version == 6) {
    size = least + get_big_endian<std::uint16_t>(head.data() + 4);
  } else {
    return std::nullopt;
  }
  if (size < least || size > available) return std::nullopt;
  return size;
}

// Packets of one lane belong to one worker (`lane % workers`): windows of one sending core share a lane,
// whatever their class; neighbouring cores have neighbouring lanes. Readable without a key: bytes 4 to 7 of
// the packet.
constexpr std::uint32_t lane(WindowName name) {
  constexpr int class_bits = 2;  // window_id.h
  return (std::uint32_t{name.window.value} >> class_bits) + name.sender.value;
}

}  // namespace hasync::vpe
