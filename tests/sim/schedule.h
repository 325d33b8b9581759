// Simulated time: what happens next, in the order of time and, at the same time, in the order it was planned.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "tests/sim/random.h"

namespace hasync::sim {

class Schedule {
 public:
  Instant now() const { return now_; }

  void at(Instant when, std::function<void()> what) {
    events_.push_back({std::max(when, now_), ++count_, std::move(what)});
    std::ranges::push_heap(events_, later);
  }
  void after(Duration wait, std::function<void()> what) { at(now_ + wait, std::move(what)); }

  // Runs the next event, if it is due before `end`.
  bool step(Instant end) {
    if (events_.empty() || events_.front().when >= end) {
      now_ = end;
      return false;
    }
    std::ranges::pop_heap(events_, later);
    Event event = std::move(events_.back());
    events_.pop_back();
    now_ = event.when;
    event.what();
    return true;
  }

 private:
  struct Event {
    Instant when;
    std::uint64_t count;
    std::function<void()> what;
  };
  static bool later(const Event& a, const Event& b) {
    return std::pair{a.when, a.count} > std::pair{b.when, b.count};
  }

  Instant now_{};
  std::uint64_t count_ = 0;
  std::vector<Event> events_;
};

}  // namespace hasync::sim
