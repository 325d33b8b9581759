// A loop that runs until something has become true.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>

namespace hasync::test {

// False: it did not within a minute.
inline bool run_until(boost::asio::io_context& io, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  while (!condition() && std::chrono::steady_clock::now() < end) {
    io.restart();
    io.run_one_for(std::chrono::milliseconds{50});
  }
  return condition();
}

}  // namespace hasync::test
