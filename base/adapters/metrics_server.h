// HTTP for Prometheus: GET /metrics, by Boost.Beast, within the daemon's loop. Connections are few, requests
// small, and both end after a time, so that nobody who can reach the port can hold up the daemon; what comes
// wrong is told so and counts for nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/address.h"
#include "base/result.h"

namespace hasync {

class MetricsServer {
 public:
  using Text = std::function<Result<std::string>()>;  // asked for at each request; an error is a 503
  static constexpr std::size_t kMaxConnections = 8;   // further ones are closed at once
  static constexpr std::uint32_t kMaxRequest = 8192;  // bytes, its headers
  static constexpr std::chrono::seconds kIdle{15};    // for a request to come whole, or a reply to be taken

  // Port 0: any, see port().
  static Result<std::unique_ptr<MetricsServer>> create(boost::asio::io_context& io, const Address& address,
                                                       std::uint16_t port, Text text);
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

 private:
  class Session;
  struct Shared {
    Text text;
    std::size_t open = 0;
  };
  MetricsServer(boost::asio::io_context& io, Text text)
      : acceptor_(io), pause_(io), shared_(std::make_shared<Shared>(Shared{std::move(text)})) {}
  void accept();
  void accept_later();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace hasync
