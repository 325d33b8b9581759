// Calls back at a steady rate, by CLOCK_MONOTONIC. Ticks do not drift; those that a late loop missed are
// skipped and counted, never made up for in a burst.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>

namespace hasync::hasyncd {

class Ticker {
 public:
  using Clock = std::chrono::steady_clock;
  Ticker(boost::asio::io_context& io, Clock::duration interval,
         std::function<void(Clock::time_point now)> tick);
  void start();
  void stop();  // also from inside `tick`
  std::uint64_t skipped() const { return skipped_; }

 private:
  void wait();

  boost::asio::steady_timer timer_;
  Clock::duration interval_;
  std::function<void(Clock::time_point)> tick_;
  bool running_ = false;
  std::uint64_t skipped_ = 0;
};

}  // namespace hasync::hasyncd
