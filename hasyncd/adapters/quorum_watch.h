// Whether Corosync's votequorum says that this node's partition may act. Reports the current state after
// connecting and every change; decides nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/adapters/fd_watch.h"
#include "base/result.h"
#include "hasyncd/adapters/retry_timer.h"

namespace hasync::hasyncd {

class QuorumWatch {
 public:
  struct Callbacks {
    std::function<void(bool quorate)> changed;
    std::function<void(const Error&)> lost;  // corosync is gone; down until connect() or keep_connecting()
  };

  QuorumWatch(boost::asio::io_context& io, Callbacks callbacks);
  ~QuorumWatch();
  QuorumWatch(const QuorumWatch&) = delete;
  QuorumWatch& operator=(const QuorumWatch&) = delete;

  Status connect();
  void keep_connecting();
  void close();
  bool is_connected() const { return handle_ != 0; }

 private:
  friend struct QuorumCallbacks;
  void dispatch();
  void drop_handle();

  boost::asio::io_context& io_;
  Callbacks callbacks_;
  std::uint64_t handle_ = 0;
  std::uint64_t generation_ = 0;
  std::unique_ptr<FdWatch> watch_;
  RetryTimer reconnect_;
};

}  // namespace hasync::hasyncd
