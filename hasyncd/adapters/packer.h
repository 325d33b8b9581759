// Packer: messages that follow each other closely leave in one multicast. The first leaves at once, those
// that come within kTogether of it together after that: each multicast sets the ring's token going round
// several times, which costs all members more than the messages do.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>

#include "base/bytes.h"

namespace hasync::hasyncd {

class Packer {
 public:
  static constexpr std::chrono::milliseconds kTogether{5};
  static constexpr std::size_t kMaxPack = 64U << 10U;  // bytes; a larger message is a pack of its own
  using Send = std::function<void(Bytes)>;

  Packer(boost::asio::io_context& io, Send send) : send_(std::move(send)), timer_(io) {}

  enum class Haste { Together, AtOnce };
  void add(BytesView message, Haste haste);
  void clear();  // what waits is not sent

 private:
  void flush();

  Send send_;
  boost::asio::steady_timer timer_;
  bool pausing_ = false;
  std::uint64_t cleared_ = 0;  // times
  Bytes waiting_;
};

}  // namespace hasync::hasyncd
