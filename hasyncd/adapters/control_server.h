// The unix socket that `haipsec` speaks to: lines of JSON, one request and one reply at a time on each
// connection. Who is at the other end is what the kernel says (unix(7), SO_PEERCRED). What is malformed gets
// an error and is counted; no connection can disturb another, and none can wait for ever unread. Knows no
// command: the daemon answers, at once or later. An answer may be a stream of events: the connection is then
// that stream's until the client goes; one that does not read keeps its place, and misses events.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/result.h"
#include "hasyncd/control_access.h"
#include "hasyncd/status.h"

namespace hasync::hasyncd {

class ControlServer {
 public:
  using Reply = std::function<void(const ControlAnswer&)>;  // once; after the client has gone it does nothing
  using Handler = std::function<void(const ControlRequest&, Access, Reply)>;
  struct Counters {
    std::uint64_t connections = 0;
    std::uint64_t requests = 0;
    std::uint64_t malformed = 0;  // refused before the handler saw them
    std::uint64_t refused = 0;    // connections and streams above the limit
    std::uint64_t denied = 0;     // connections of those who have no access
  };
  static constexpr std::size_t kMaxRequest = 65536;  // bytes
  static constexpr std::size_t kMaxConnections = 32;
  static constexpr std::size_t kMaxStreams = 16;  // so that those who do not read leave room for requests

  // Makes the socket and its folder (0755). Without groups nobody but root can open the socket (0600); with
  // them everybody can, and strangers are told so. Takes the place of a dead socket, never of a living one
  // (Conflict).
  static Result<std::unique_ptr<ControlServer>> create(boost::asio::io_context& io,
                                                       const std::filesystem::path& path,
                                                       const ControlGroups& groups, Handler handler);
  ~ControlServer();  // and removes the socket
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  const Counters& counters() const { return shared_->counters; }
  // Who may do what from now on; on an error as before. A connection keeps the role that it began with.
  Status use(const ControlGroups& groups);

 private:
  class Session;
  struct Shared {
    Handler handler;
    ControlGroups groups;
    Counters counters;
    std::size_t open = 0;
    std::size_t streams = 0;
  };
  ControlServer(boost::asio::io_context& io, std::filesystem::path path, Shared shared);
  void accept();
  void accept_later();
  void begin(boost::asio::local::stream_protocol::socket socket);

  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::filesystem::path path_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace hasync::hasyncd
