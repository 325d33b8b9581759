// Cuts what the kernel hands out uncut (TCP segments of up to 64 KiB in one, checksums left open) into
// packets that can be sealed; and what does not fit through the tunnel into fragments, if it may be. The
// payload is not copied: headers are written, payload is pointed at.
#pragma once

#include <optional>
#include <span>

#include "base/bytes.h"
#include "vped/inner.h"
#include "vped/offload.h"

namespace hasync::vped {

class Split {
 public:
  static constexpr std::size_t kLargestHeader = 180;  // IPv6, some extension headers, TCP with all options

  // `packet` is a whole inner packet; an open checksum of one that is not to be cut is completed in it.
  // Nothing: `offload` contradicts it.
  static std::optional<Split> create(const Offload& offload, std::span<std::uint8_t> packet,
                                     const Inner& inner);

  // A whole packet, its checksum complete, as fragments of at most `mtu` (RFC 791, section 3.2). Nothing: it
  // must not be cut, or has options.
  static std::optional<Split> fragments(BytesView packet, const Inner& inner, std::size_t mtu);

  std::size_t count() const { return count_; }
  std::size_t header() const { return header_; }  // bytes that write_header() writes; 0: packet is not cut
  std::size_t largest() const { return header_ + (count_ == 1 ? packet_.size() - header_ : segment_); }
  BytesView payload(std::size_t i) const;
  void write_header(std::size_t i, std::uint8_t* to) const;

 private:
  void write_fragment_header(std::size_t i, std::uint8_t* to) const;
  Split(BytesView packet, const Inner& inner) : packet_(packet), inner_(inner) {}

  BytesView packet_;
  Inner inner_;
  std::size_t count_ = 1;
  std::size_t header_ = 0;
  std::size_t transport_ = 0;  // where TCP begins
  std::size_t segment_ = 0;
  bool fragments_ = false;
};

}  // namespace hasync::vped
