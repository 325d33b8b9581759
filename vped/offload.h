// What stands before each packet on the inside: how far the kernel has come with its checksum, and the size
// of the segments that it is still to be cut into. The layout is that of struct virtio_net_hdr
// (linux/virtio_net.h), as a TUN device with IFF_VNET_HDR writes and reads it.
#pragma once

#include <cstdint>

namespace hasync::vped {

struct Offload {
  enum Flags : std::uint8_t { NeedsChecksum = 1, ChecksumIsRight = 2 };
  enum Kind : std::uint8_t {
    Whole = 0,
    Tcp4 = 1,
    Tcp6 = 4,
    Ecn = 0x80
  };  // Ecn is added to one of the others

  std::uint8_t flags = 0;
  std::uint8_t kind = Whole;
  std::uint16_t header = 0;   // size of all headers
  std::uint16_t segment = 0;  // bytes of payload in each but the last
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;
  bool operator==(const Offload&) const = default;
};
static_assert(sizeof(Offload) == 10);

}  // namespace hasync::vped
