// Calls back whenever a descriptor that belongs to somebody else (a library) can be read. Never closes it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>

namespace hasync {

class FdWatch {
 public:
  // `readable` may stop or destroy this watch.
  FdWatch(boost::asio::io_context& io, int fd, std::function<void()> readable);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

 private:
  struct State;
  static void wait(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace hasync
