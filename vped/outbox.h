// Sealed packets on their way out. Those for one peer, of one size and one class, stand one behind the other
// as a train, which the kernel takes in one piece and cuts (UDP_SEGMENT); the last of a train may be shorter.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hasync::vped {

struct Train {
  std::size_t tunnel = 0;
  std::size_t offset = 0;  // in the outbox
  std::size_t size = 0;    // of all packets
  std::size_t segment = 0;
  std::size_t packets = 0;
  std::uint8_t dscp = 0;
};

class Outbox {
 public:
  static constexpr std::size_t kMostPackets = 64;      // of a train: UDP_MAX_SEGMENTS of older kernels
  static constexpr std::size_t kLargestTrain = 65507;  // a datagram's payload (RFC 768 in IPv4)
  static constexpr std::size_t kSize = std::size_t{1} << 19;

  Outbox() : bytes_(kSize) {}

  bool has_room_for(std::size_t bytes) const { return bytes <= bytes_.size() - used_; }
  std::size_t used() const { return used_; }
  std::uint8_t* at(std::size_t offset) { return bytes_.data() + offset; }
  // The packet that was written at used().
  void add(std::size_t tunnel, std::uint8_t dscp, std::size_t size);
  // What was written there is of no use.
  void skip(std::size_t size) { used_ += size; }

  std::span<const Train> trains() const { return trains_; }
  std::span<const std::uint8_t> bytes_of(const Train& train) const {
    return {bytes_.data() + train.offset, train.size};
  }
  void clear() {
    trains_.clear();
    used_ = 0;
  }

 private:
  std::vector<std::uint8_t> bytes_;
  std::vector<Train> trains_;
  std::size_t used_ = 0;
};

}  // namespace hasync::vped
