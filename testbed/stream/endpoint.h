// One end of the test stream on a UDP socket: sends at a fixed rate, books what comes from the other end,
// prints an event line (JSON) when the stream begins, falls silent and comes back. One thread; a few system
// calls per packet.
#pragma once

#include <netinet/in.h>

#include <csignal>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "testbed/stream/stream_ledger.h"

namespace hasync::testbed {

struct EndpointOptions {
  std::string name;
  sockaddr_in6 local{};  // IPv4 as ::ffff:a.b.c.d
  sockaddr_in6 remote{};
  double rate = 100;         // packets a second; 0 only listens
  std::size_t size = 200;    // bytes of a datagram
  double event_gap_ms = 50;  // silence worth an event line
  double duration_s = 0;     // of sending; 0: until told to stop
  double linger_s = 0.5;     // after that: listen on for what is still under way
};

class Endpoint {
 public:
  explicit Endpoint(EndpointOptions options);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // Binds the socket. An empty string, or what went wrong.
  std::string open();

  // Says that it listens, sends from when go is nonzero until the duration is over or stop is, then lingers.
  void run(const volatile std::sig_atomic_t& go, const volatile std::sig_atomic_t& stop);

  nlohmann::json report() const;

 private:
  void send_due(std::int64_t now);
  void receive();
  void book(const struct msghdr& header, std::size_t length);
  void tell_silence(std::int64_t now);

  EndpointOptions options_;
  int socket_ = -1;
  std::uint32_t run_;
  std::vector<std::uint8_t> datagram_;
  std::int64_t started_at_ = 0;    // of sending; 0: not yet
  std::uint64_t sent_ = 0;         // numbers spent, whether the kernel took the packet or not
  std::uint64_t send_errors_ = 0;  // of these, refused by the kernel
  std::uint64_t foreign_ = 0;      // datagrams that are not of the stream being received
  std::uint32_t other_run_ = 0;
  std::int64_t max_latency_ns_ = 0;
  StreamLedger ledger_;
};

}  // namespace hasync::testbed
