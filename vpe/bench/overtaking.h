// What a replay window costs packets that nobody replayed: traffic classes that overtake each other on the
// way, and several senders on one SA. No time is measured; the counts follow from the seed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hasync::vpe::bench {

struct Lost {
  std::size_t sent = 0;  // of those in question
  std::size_t lost = 0;  // refused by the receiver
};

// 90 % priority traffic through a link that serves it first; the rest waits until a burst is over. Of the
// rest:
Lost low_priority_lost_by_vpe(std::uint32_t window_bits, std::uint64_t seed);
Lost low_priority_lost_by_esp(std::uint32_t window_bits, std::uint64_t seed);

// So many senders on one group key, each at its own rate, none knowing of the others; a second receiver joins
// late.
Lost lost_of_senders(std::uint16_t senders, std::uint64_t seed);

}  // namespace hasync::vpe::bench
