#include "hasyncd/adapters/ticker.h"

namespace hasync::hasyncd {

Ticker::Ticker(boost::asio::io_context& io, Clock::duration interval,
               std::function<void(Clock::time_point)> tick)
    : timer_(io), interval_(interval), tick_(std::move(tick)) {}

void Ticker::start() {
  running_ = true;
  timer_.expires_after(interval_);
  wait();
}

void Ticker::stop() {
  running_ = false;
  timer_.cancel();
}

void Ticker::wait() {
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || !running_) return;
    const Clock::time_point now = Clock::now();
    const auto late = (now - timer_.expiry()) / interval_;  // whole ticks
    skipped_ += static_cast<std::uint64_t>(late);
    timer_.expires_at(timer_.expiry() + interval_ * (late + 1));
    wait();
    tick_(now);
  });
}

}  // namespace hasync::hasyncd
