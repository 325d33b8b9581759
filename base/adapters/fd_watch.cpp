#include "base/adapters/fd_watch.h"

namespace hasync {

struct FdWatch::State {
  State(boost::asio::io_context& io, int fd, std::function<void()> callback)
      : descriptor(io, fd), readable(std::move(callback)) {}
  boost::asio::posix::stream_descriptor descriptor;
  std::function<void()> readable;
};

FdWatch::FdWatch(boost::asio::io_context& io, int fd, std::function<void()> readable)
    : state_(std::make_shared<State>(io, fd, std::move(readable))) {
  wait(state_);
}

FdWatch::~FdWatch() {
  state_->descriptor.release();
}

void FdWatch::wait(const std::shared_ptr<State>& state) {
  state->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                               [state](const boost::system::error_code& error) {
                                 if (error || !state->descriptor.is_open()) return;  // released
                                 state->readable();
                                 if (state->descriptor.is_open()) wait(state);
                               });
}

}  // namespace hasync
