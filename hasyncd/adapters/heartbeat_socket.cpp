#include "hasyncd/adapters/heartbeat_socket.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>

namespace hasync::hasyncd {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

udp::endpoint endpoint_of(const UdpEndpoint& from) {
  if (from.address.is_v4()) {
    asio::ip::address_v4::bytes_type bytes{};
    std::ranges::copy(from.address.wire(), bytes.begin());
    return {asio::ip::address_v4(bytes), from.port};
  }
  return {asio::ip::address_v6(from.address.bytes), from.port};
}

UdpEndpoint endpoint_of(const udp::endpoint& from) {
  if (from.address().is_v4()) {
    const auto b = from.address().to_v4().to_bytes();
    return {Address::v4(b[0], b[1], b[2], b[3]), from.port()};
  }
  return {Address{from.address().to_v6().to_bytes()}, from.port()};
}

Error failed(const std::string& call, const UdpEndpoint& local, const error_code& error) {
  return {Errc::System, "heartbeat " + call + " " + to_string(local.address) + " port " +
                            std::to_string(local.port) + ": " + error.message()};
}

// Heartbeats go before other traffic: DSCP CS6, network control (RFC 2474, section 4.2.2.2). Best effort.
void prefer(udp::socket& socket, bool v4) {
  const int class_selector = 6 << 5;
  const int priority = 6;
  ::setsockopt(socket.native_handle(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS,
               &class_selector, sizeof class_selector);
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority);
}

}  // namespace

Result<std::unique_ptr<HeartbeatSocket>> HeartbeatSocket::create(asio::io_context& io,
                                                                 const UdpEndpoint& local,
                                                                 std::map<NodeId, UdpEndpoint> peers,
                                                                 Received received) {
  std::unique_ptr<HeartbeatSocket> out(new HeartbeatSocket(io, std::move(received)));
  out->peers_ = std::move(peers);
  const udp::endpoint endpoint = endpoint_of(local);
  error_code error;
  out->socket_.open(endpoint.protocol(), error);
  if (error) return failed("socket", local, error);
  prefer(out->socket_, local.address.is_v4());
  out->socket_.bind(endpoint, error);
  if (error) return failed("bind", local, error);
  out->socket_.non_blocking(true, error);
  if (error) return failed("socket", local, error);
  out->receive();
  return out;
}

void HeartbeatSocket::send(NodeId to, BytesView bytes) {
  const auto peer = peers_.find(to);
  error_code error = asio::error::host_not_found;
  if (peer != peers_.end()) {
    socket_.send_to(asio::buffer(bytes.data(), bytes.size()), endpoint_of(peer->second), 0, error);
  }
  ++(error ? counters_.send_failed : counters_.sent);
}

void HeartbeatSocket::receive() {
  socket_.async_receive_from(asio::buffer(buffer_), from_, [this](const error_code& error, std::size_t size) {
    if (error == asio::error::operation_aborted) return;
    if (error) {
      ++counters_.receive_failed;
    } else if (size > kMaxDatagram) {
      ++counters_.oversized;
    } else {
      ++counters_.received;
      received_(BytesView(buffer_).first(size), endpoint_of(from_));
    }
    receive();
  });
}

UdpEndpoint HeartbeatSocket::local() const {
  error_code error;
  return endpoint_of(socket_.local_endpoint(error));
}

}  // namespace hasync::hasyncd
