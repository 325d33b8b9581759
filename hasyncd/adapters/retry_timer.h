// Tries something again and again until it works: at once, then after 100 ms, 200 ms and so on up to one
// second.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>

namespace hasync::hasyncd {

class RetryTimer {
 public:
  explicit RetryTimer(boost::asio::io_context& io) : timer_(io) {}
  // `attempt` says whether it worked; it runs from the loop, never from inside start(). A second start()
  // replaces the first.
  void start(std::function<bool()> attempt);
  void stop();

 private:
  void arm(std::chrono::milliseconds after);

  boost::asio::steady_timer timer_;
  std::function<bool()> attempt_;
  std::uint64_t generation_ = 0;  // of start() and stop()
  std::chrono::milliseconds pause_{};
};

}  // namespace hasync::hasyncd
