// Counts a batch, and adds it to what others read once, without a locked instruction: there is one writer.
#pragma once

#include <algorithm>

#include "vpe/packets.h"

namespace hasync::vpe {

inline void add(std::atomic<std::uint64_t>& counter, std::uint64_t count) {
  counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

class Tally {
 public:
  explicit Tally(Counters& counters) : counters_(counters) {}
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;
  ~Tally() {
    add(counters_.packets, packets_);
    add(counters_.bytes, bytes_);
  }
  void passed(std::size_t bytes) {
    ++packets_;
    bytes_ += bytes;
  }
  void dropped(Drop cause) { add(counters_.drops[static_cast<std::size_t>(cause)], 1); }
  void count(Drop drop, std::size_t bytes) {
    if (drop == Drop::None) {
      passed(bytes);
    } else {
      dropped(drop);
    }
  }
  std::size_t packets() const { return packets_; }

 private:
  Counters& counters_;
  std::size_t packets_ = 0;
  std::size_t bytes_ = 0;
};

// In parts of at most `most` packets, for what an engine notes of each.
template <typename Work>
void in_parts(std::span<Packet> batch, std::size_t most, Work work) {
  while (!batch.empty()) {
    const std::span<Packet> some = batch.first(std::min(batch.size(), most));
    work(some);
    batch = batch.subspan(some.size());
  }
}

}  // namespace hasync::vpe
