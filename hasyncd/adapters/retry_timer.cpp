#include "hasyncd/adapters/retry_timer.h"

#include <algorithm>

namespace hasync::hasyncd {
namespace {

constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{1000};

}  // namespace

void RetryTimer::start(std::function<bool()> attempt) {
  ++generation_;
  attempt_ = std::move(attempt);
  pause_ = kFirstPause;
  arm(std::chrono::milliseconds{0});
}

void RetryTimer::stop() {
  ++generation_;
  timer_.cancel();
  attempt_ = nullptr;
}

void RetryTimer::arm(std::chrono::milliseconds after) {
  timer_.expires_after(after);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || !attempt_) return;
    const std::uint64_t generation = generation_;
    const auto attempt = attempt_;  // outlives a start() or stop() from inside it
    if (attempt() || generation != generation_) return;
    arm(pause_);
    pause_ = std::min(pause_ * 2, kLongestPause);
  });
}

}  // namespace hasync::hasyncd
