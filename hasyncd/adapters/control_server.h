// The unix socket that `haipsec` speaks to: lines of JSON, one request and one reply at a time on each
// connection. What is malformed gets an error and is counted; no connection can disturb another, and none can
// wait for ever unread. Knows no command: the daemon answers, at once or later.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/result.h"
#include "hasyncd/status.h"

namespace hasync::hasyncd {

class ControlServer {
 public:
  using Reply = std::function<void(const ControlAnswer&)>;  // once; after the client has gone it does nothing
  using Handler = std::function<void(const ControlRequest&, Reply)>;
  struct Counters {
    std::uint64_t connections = 0;
    std::uint64_t requests = 0;
    std::uint64_t malformed = 0;  // refused before the handler saw them
    std::uint64_t refused = 0;    // connections above the limit
  };
  static constexpr std::size_t kMaxRequest = 65536;  // bytes
  static constexpr std::size_t kMaxConnections = 32;

  // Makes the socket (0660) and its folder (0755). Takes the place of a dead socket, never of a living one
  // (Conflict).
  static Result<std::unique_ptr<ControlServer>> create(boost::asio::io_context& io,
                                                       const std::filesystem::path& path, Handler handler);
  ~ControlServer();  // and removes the socket
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  const Counters& counters() const { return shared_->counters; }

 private:
  class Session;
  struct Shared {
    Handler handler;
    Counters counters;
    std::size_t open = 0;
  };
  ControlServer(boost::asio::io_context& io, std::filesystem::path path, Handler handler);
  void accept();
  void accept_later();

  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::filesystem::path path_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace hasync::hasyncd
