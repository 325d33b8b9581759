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
void encode(const Header& header, std::span<std::uint8_t, kIcvAt> out);
Header decode(std::span<const std::uint8_t, kIcvAt> in);
// Nothing: shorter than header and smallest payload, or longer than the largest packet.
std::optional<Header> decode_packet(BytesView packet);

// Of an IP packet (IPv4: RFC 791, section 3.1; IPv6: RFC 8200, section 3), by its first nibble and its length
// field. Nothing: neither, or it says that it is longer than `available`, or shorter than its own header.
// `head`: its first bytes, at least six of them, or fewer if there are no more.
std::optional<std::size_t> inner_size(BytesView head, std::size_t available);

// Packets of one lane belong to one worker (`lane % workers`): windows of one sending core share a lane,
// whatever their class; neighbouring cores have neighbouring lanes. Readable without a key: bytes 4 to 7 of
// the packet.
constexpr std::uint32_t lane(WindowName name) {
  constexpr int class_bits = 2;  // window_id.h
  return (std::uint32_t{name.window.value} >> class_bits) + name.sender.value;
}

}  // namespace hasync::vpe
