// The endpoint over real TCP, with clients in the same loop.
#include "base/adapters/metrics_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

#include "tests/support/run_until.h"

namespace hasync {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using testing::HasSubstr;
using testing::StartsWith;

class MetricsServerTest : public testing::Test {
 protected:
  struct Client : std::enable_shared_from_this<Client> {
    explicit Client(boost::asio::io_context& io) : socket(io) {}
    tcp::socket socket;
    std::array<char, 4096> buffer{};
    std::string heard;
    bool closed = false;

    void send(const std::string& text) {
      boost::system::error_code ignored;
      boost::asio::write(socket, boost::asio::buffer(text), ignored);
    }
    void receive() {
      socket.async_read_some(
          boost::asio::buffer(buffer),
          [this, self = shared_from_this()](const boost::system::error_code& error, std::size_t n) {
            if (error) {
              closed = true;
              return;
            }
            heard.append(buffer.data(), n);
            receive();
          });
    }
  };

  std::shared_ptr<Client> client(const std::string& request = "") {
    auto out = std::make_shared<Client>(io_);
    out->socket.connect({boost::asio::ip::make_address("127.0.0.1"), server_->port()});
    out->receive();
    out->send(request);
    return out;
  }
  std::string answer_to(const std::string& request) {
    auto c = client(request);
    EXPECT_TRUE(until([&] { return c->closed; })) << c->heard;
    return c->heard;
  }
  bool until(const std::function<bool()>& condition) { return test::run_until(io_, condition); }

  boost::asio::io_context io_{1};
  int asked_ = 0;
  std::unique_ptr<MetricsServer> server_ = *MetricsServer::create(
      io_, Address::v4(127, 0, 0, 1), 0, [this] { return "answer " + std::to_string(++asked_) + "\n"; });
};

TEST_F(MetricsServerTest, AnswersEachRequestAnewOnOneConnection) {
  auto c = client("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(until([&] { return c->heard.find("answer 2") != std::string::npos; })) << c->heard;
  EXPECT_THAT(c->heard, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(c->heard, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(c->heard, HasSubstr("\r\n\r\nanswer 1\n"));
  EXPECT_FALSE(c->closed);
}

TEST_F(MetricsServerTest, WhatIsWrongIsToldSoAndAsksForNothing) {
  EXPECT_THAT(answer_to("GET / HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.0 404 "));
  EXPECT_THAT(answer_to("DELETE /metrics HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.0 405 "));
  EXPECT_THAT(answer_to("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer_to("GET /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer_to("GET /metrics HTTP/1.1\r\nX: " + std::string(2 * MetricsServer::kMaxRequest, 'x') +
                        "\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(asked_, 0);
}

TEST_F(MetricsServerTest, ConnectionsAreFewAndThoseThatEndMakeRoom) {
  std::vector<std::shared_ptr<Client>> all;
  while (all.size() < MetricsServer::kMaxConnections) all.push_back(client());
  auto surplus = client();
  EXPECT_TRUE(until([&] { return surplus->closed; }));
  for (auto& c : all) EXPECT_FALSE(c->closed);
  for (auto& c : all) c->socket.close();
  EXPECT_TRUE(
      until([&] { return answer_to("GET /metrics HTTP/1.0\r\n\r\n").find("answer") != std::string::npos; }));
}

TEST_F(MetricsServerTest, AClientThatGoesInTheMiddleIsHarmless) {
  client("GET /metr")->socket.close();
  EXPECT_THAT(answer_to("GET /metrics HTTP/1.0\r\n\r\n"), HasSubstr("answer 1"));
}

TEST_F(MetricsServerTest, APortThatIsTakenIsAnErrorThatNamesIt) {
  const auto second =
      MetricsServer::create(io_, Address::v4(127, 0, 0, 1), server_->port(), [] { return std::string(); });
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().what, HasSubstr("metrics.listen 127.0.0.1 port " +
                                             std::to_string(server_->port()) + ": Address already in use"));
}

TEST(MetricsServer, ListensOnIPv6) {
  boost::asio::io_context io{1};
  boost::system::error_code none;
  tcp::socket plain(io, tcp::v6());
  plain.bind({boost::asio::ip::make_address("::1"), 0}, none);
  if (none) GTEST_SKIP() << "SKIPPED: this machine has no ::1: " << none.message();
  const auto server = MetricsServer::create(io, *Address::parse("::1"), 0, [] { return std::string(); });
  ASSERT_TRUE(server) << server.error().what;
  tcp::socket socket(io);
  boost::system::error_code error;
  socket.connect({boost::asio::ip::make_address("::1"), (*server)->port()}, error);
  EXPECT_FALSE(error) << error.message();
}

}  // namespace
}  // namespace hasync
