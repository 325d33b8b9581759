#include "hasyncd/adapters/retry_timer.h"

#include <algorithm>

namespace hasync::hasyncd {
namespace {

constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{1000};

}  // namespace

void RetryTimer::start(std::function<bool()> attempt) {
  attempt_ = std::move(attempt);
  pause_ = kFirstPause;
  arm(std::chrono::milliseconds{0});
}

void RetryTimer::stop() {
  timer_.cancel();
  attempt_ = nullptr;
}

void RetryTimer::arm(std::chrono::milliseconds after) {
  timer_.expires_after(after);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || !attempt_) return;
    const auto attempt = std::move(attempt_);  // it may call start() or stop()
    attempt_ = nullptr;
    if (attempt() || attempt_) return;
    attempt_ = attempt;
    arm(pause_);
    pause_ = std::min(pause_ * 2, kLongestPause);
  });
}

}  // namespace hasync::hasyncd
