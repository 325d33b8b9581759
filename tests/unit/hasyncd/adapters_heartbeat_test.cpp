// Over loopback, with ports that the kernel chooses.
#include <gtest/gtest.h>

#include "hasyncd/adapters/heartbeat_socket.h"
#include "hasyncd/adapters/ticker.h"

namespace hasync::hasyncd {
namespace {

using namespace std::chrono_literals;

const UdpEndpoint kLoopback{Address::v4(127, 0, 0, 1), 0};

struct Inbox {
  std::vector<Bytes> messages;
  std::vector<UdpEndpoint> from;
  HeartbeatSocket::Received callback() {
    return [this](BytesView bytes, const UdpEndpoint& sender) {
      messages.emplace_back(bytes.begin(), bytes.end());
      from.push_back(sender);
    };
  }
};

bool until(boost::asio::io_context& io, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!condition() && std::chrono::steady_clock::now() < end) {
    io.restart();
    io.run_one_for(50ms);
  }
  return condition();
}

TEST(HeartbeatSocket, CarriesDatagramsBothWays) {
  boost::asio::io_context io{1};
  Inbox a_box;
  Inbox b_box;
  auto a = HeartbeatSocket::create(io, kLoopback, {}, a_box.callback());
  ASSERT_TRUE(a) << a.error().what;
  auto b = HeartbeatSocket::create(io, kLoopback, {{NodeId{1}, (*a)->local()}}, b_box.callback());
  ASSERT_TRUE(b) << b.error().what;
  (*a)->set_peers({{NodeId{2}, (*b)->local()}});
  (*a)->send(NodeId{2}, Bytes{1, 2, 3});
  (*b)->send(NodeId{1}, Bytes(HeartbeatSocket::kMaxDatagram, 9));
  ASSERT_TRUE(until(io, [&] { return !a_box.messages.empty() && !b_box.messages.empty(); }));
  EXPECT_EQ(b_box.messages[0], (Bytes{1, 2, 3}));
  EXPECT_EQ(b_box.from[0], (*a)->local());
  EXPECT_EQ(a_box.messages[0].size(), HeartbeatSocket::kMaxDatagram);
}

TEST(HeartbeatSocket, UnknownPeersAndOversizedDatagramsAreCounted) {
  boost::asio::io_context io{1};
  Inbox box;
  auto a = HeartbeatSocket::create(io, kLoopback, {}, box.callback());
  ASSERT_TRUE(a);
  (*a)->set_peers({{NodeId{1}, (*a)->local()}});
  (*a)->send(NodeId{7}, Bytes{1});
  EXPECT_EQ((*a)->counters().send_failed, 1U);
  (*a)->send(NodeId{1}, Bytes(HeartbeatSocket::kMaxDatagram + 100));
  (*a)->send(NodeId{1}, Bytes{5});
  ASSERT_TRUE(until(io, [&] { return !box.messages.empty(); }));
  EXPECT_EQ(box.messages.size(), 1U);
  EXPECT_EQ((*a)->counters().oversized, 1U);
}

TEST(HeartbeatSocket, AForeignAddressOrATakenPortIsAClearError) {
  boost::asio::io_context io{1};
  const auto foreign = HeartbeatSocket::create(io, {Address::v4(192, 0, 2, 1), 5406}, {}, {});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().what, "heartbeat bind 192.0.2.1 port 5406: Cannot assign requested address");
  Inbox box;
  const auto first = HeartbeatSocket::create(io, kLoopback, {}, box.callback());
  ASSERT_TRUE(first);
  EXPECT_FALSE(HeartbeatSocket::create(io, (*first)->local(), {}, box.callback()));
}

TEST(Ticker, KeepsItsRateAndSkipsWhatALateLoopMissed) {
  boost::asio::io_context io{1};
  int ticks = 0;
  Ticker ticker(io, 10ms, [&](Ticker::Clock::time_point) {
    // The third tick takes too long: the two that fall into it are skipped, the others stay on the grid.
    if (++ticks == 3) {
      const auto end = Ticker::Clock::now() + 25ms;
      while (Ticker::Clock::now() < end) {
      }
    }
    if (ticks == 10) ticker.stop();
  });
  const auto start = Ticker::Clock::now();
  ticker.start();
  io.run();
  const auto took = Ticker::Clock::now() - start;
  EXPECT_EQ(ticks, 10);
  EXPECT_GE(ticker.skipped(), 1U);
  EXPECT_GE(took, 10ms * (10 + static_cast<int>(ticker.skipped())) - 10ms);
}

}  // namespace
}  // namespace hasync::hasyncd
