// UDP datagrams between hasyncd processes. Carries bytes; what they mean, and whether they are genuine, is
// for others.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <functional>
#include <map>
#include <memory>

#include "base/address.h"
#include "base/bytes.h"
#include "base/result.h"

namespace hasync::hasyncd {

struct UdpEndpoint {
  Address address;
  std::uint16_t port = 0;  // host byte order
  auto operator<=>(const UdpEndpoint&) const = default;
};

class HeartbeatSocket {
 public:
  using Received = std::function<void(BytesView bytes, const UdpEndpoint& from)>;
  struct Counters {
    std::uint64_t sent = 0;
    std::uint64_t send_failed = 0;  // no route, full buffer, address gone: heartbeats are never queued
    std::uint64_t received = 0;
    std::uint64_t oversized = 0;
    std::uint64_t receive_failed = 0;
  };
  static constexpr std::size_t kMaxDatagram = 1445;  // one frame of 1500 bytes, over IPv6 too

  // Bound to `local` and receiving. A port of 0 lets the kernel choose.
  static Result<std::unique_ptr<HeartbeatSocket>> create(boost::asio::io_context& io,
                                                         const UdpEndpoint& local,
                                                         std::map<NodeId, UdpEndpoint> peers,
                                                         Received received);
  HeartbeatSocket(const HeartbeatSocket&) = delete;
  HeartbeatSocket& operator=(const HeartbeatSocket&) = delete;

  void send(NodeId to, BytesView bytes);  // never waits; what cannot be sent now is counted and gone
  void set_peers(std::map<NodeId, UdpEndpoint> peers) { peers_ = std::move(peers); }
  UdpEndpoint local() const;
  const Counters& counters() const { return counters_; }

 private:
  HeartbeatSocket(boost::asio::io_context& io, Received received)
      : socket_(io), received_(std::move(received)) {}
  void receive();

  boost::asio::ip::udp::socket socket_;
  std::map<NodeId, UdpEndpoint> peers_;
  Received received_;
  std::array<std::uint8_t, kMaxDatagram + 1> buffer_{};
  boost::asio::ip::udp::endpoint from_;
  Counters counters_;
};

}  // namespace hasync::hasyncd
