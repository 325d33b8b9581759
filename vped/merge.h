// Joins TCP segments that follow each other into one packet of up to 64 KiB for the kernel, which costs it as
// much as one of them; it can cut it into the same ones again. What may be joined is what the kernel's own
// GRO would join. A segment whose checksum is wrong is handed on as it is, so that its receiver sees that.
// Nothing is copied: a joined packet is a list of pieces of the buffers that the segments came in.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vped/inner.h"
#include "vped/offload.h"

namespace hasync::vped {

struct Joined {
  Offload offload;
  std::vector<BytesView> pieces;  // the first one is a packet of its own, with the headers
};

class Merge {
 public:
  // A whole packet by its own length. Its bytes stay until clear(); headers are altered.
  void add(std::span<std::uint8_t> packet, const Inner& inner);
  // In an order in which packets of one flow did not overtake each other.
  std::span<const Joined> finish();
  void clear() { used_ = 0; }

 private:
  struct Segment {
    std::size_t header = 0;  // all headers
    std::size_t payload = 0;
    std::uint32_t sequence = 0;
  };
  struct Open {  // beside each in joined_
    std::span<std::uint8_t> first;
    Inner inner;
    std::size_t header = 0;
    std::size_t segment = 0;
    std::size_t size = 0;        // whole packet
    std::uint32_t expected = 0;  // sequence
    bool tcp = false;            // belongs to a flow, whether or not more may follow
    bool open = false;           // more may follow
    bool pushed = false;
  };
  static std::optional<Segment> segment_of(std::span<const std::uint8_t> packet, const Inner& inner);
  static bool same_flow(const Open& open, std::span<const std::uint8_t> packet, const Inner& inner);
  static bool follows(const Open& open, std::span<const std::uint8_t> packet, const Segment& segment);
  void begin(std::span<std::uint8_t> packet, const Inner& inner, const std::optional<Segment>& segment);
  void append(std::size_t at, std::span<std::uint8_t> packet, const Segment& segment);
  void close(std::size_t at);

  std::vector<Joined> joined_;
  std::vector<Open> opens_;
  std::size_t used_ = 0;
};

}  // namespace hasync::vped
