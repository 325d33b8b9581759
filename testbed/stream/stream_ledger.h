// The receiving end's books: which numbers of a stream came, how often, in which order, and where nothing
// came for a while. It knows neither sockets nor clocks: the times are those that it is given (nanoseconds,
// one clock).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace hasync::testbed {

// A stretch without packets: between two arrivals, with the numbers of the packets at its two ends.
struct Gap {
  std::int64_t from_ns = 0;
  std::int64_t to_ns = 0;
  std::uint64_t counter_before = 0;
  std::uint64_t counter_after = 0;
  bool operator==(const Gap&) const = default;
};

struct Totals {
  std::uint64_t received = 0;    // different numbers
  std::uint64_t duplicates = 0;  // arrivals of a number that had come before
  std::uint64_t reordered = 0;   // arrivals below the highest number so far, duplicates apart
  std::uint64_t lost_so_far =
      0;  // missing numbers below the highest; what is missing above only the sender knows
  std::uint64_t refused = 0;  // numbers beyond kHighestCounter
  bool operator==(const Totals&) const = default;
};

class StreamLedger {
 public:
  static constexpr std::uint64_t kHighestCounter =
      (std::uint64_t{1} << 28) - 1;  // bounds the memory to 32 MB

  explicit StreamLedger(std::int64_t gap_threshold_ns) : threshold_(gap_threshold_ns) {}

  // Books one arrival. Returns the gap that it ended, if that was longer than the threshold or told of as
  // silence.
  std::optional<Gap> arrived(std::uint64_t counter, std::int64_t at_ns);

  // Since when it has been silent, once that is longer than the threshold; told once per silence.
  std::optional<std::int64_t> silent_since(std::int64_t now_ns);

  Totals totals() const;
  const Gap& longest_gap() const { return longest_; }
  const std::vector<Gap>& gaps() const {
    return gaps_;
  }  // those above the threshold, the first kMostGaps of them
  std::optional<std::int64_t> last_arrival_ns() const { return last_at_; }

 private:
  static constexpr std::size_t kMostGaps = 1000;

  std::int64_t threshold_;
  std::vector<bool> seen_;
  std::uint64_t highest_ = 0;
  std::uint64_t last_counter_ = 0;
  std::optional<std::int64_t> last_at_;
  bool told_silent_ = false;
  Totals totals_;
  Gap longest_;
  std::vector<Gap> gaps_;
};

}  // namespace hasync::testbed
