// ESP between two addresses in one direction, whatever the SA and whichever node sent it: where nothing came.
#pragma once

#include <cstdint>
#include <vector>

#include "testbed/capture/frame.h"

namespace hasync::testbed {

struct Silence {
  std::int64_t from_ns = 0;
  std::int64_t to_ns = 0;
  std::uint32_t number_before = 0;
  std::uint32_t number_after = 0;
  Mac sender_before;
  Mac sender_after;
};

class FlowLedger {
 public:
  explicit FlowLedger(std::int64_t threshold_ns = 0) : threshold_(threshold_ns) {}

  void book(const EspPacket& packet, std::int64_t at_ns) {
    if (++packets_ > 1) {
      const Silence silence{last_ns_, at_ns, last_number_, packet.number, last_sender_, packet.path.sender};
      if (at_ns - last_ns_ > longest_.to_ns - longest_.from_ns) longest_ = silence;
      if (at_ns - last_ns_ > threshold_ && silences_.size() < kMostSilences) silences_.push_back(silence);
    }
    last_ns_ = at_ns;
    last_number_ = packet.number;
    last_sender_ = packet.path.sender;
  }

  std::uint64_t packets() const { return packets_; }
  const Silence& longest() const { return longest_; }
  const std::vector<Silence>& silences() const {
    return silences_;
  }  // above the threshold, the first of them

 private:
  static constexpr std::size_t kMostSilences = 1000;

  std::int64_t threshold_;
  std::uint64_t packets_ = 0;
  std::int64_t last_ns_ = 0;
  std::uint32_t last_number_ = 0;
  Mac last_sender_;
  Silence longest_;
  std::vector<Silence> silences_;
};

}  // namespace hasync::testbed
