// A control server on a real unix socket, with clients in the same loop. It answers every command with "did
// COMMAND", "later" when the test says so, and "events" with what feed_ is told.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

#include "hasyncd/adapters/control_server.h"
#include "tests/support/run_until.h"

namespace hasync::hasyncd {

using namespace std::chrono_literals;
using Protocol = boost::asio::local::stream_protocol;

class ControlTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "hasync-control-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ / "run" / "control.sock";
    auto server = create();
    ASSERT_TRUE(server) << server.error().what;
    server_ = *std::move(server);
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  Result<std::unique_ptr<ControlServer>> create() {
    return ControlServer::create(
        io_, path_, groups_,
        [this](const ControlRequest& request, Access access, ControlServer::Reply reply) {
          requests_.push_back(request);
          accesses_.push_back(access);
          if (request.command == "later") {
            later_ = std::move(reply);
          } else if (request.command == "events") {
            const auto queue = feed_.follow();
            newest_queue_ = queue;
            reply(EventStream{queue});
          } else {
            reply(Accepted{"did " + request.command});
          }
        });
  }

  struct Client : std::enable_shared_from_this<Client> {
    explicit Client(ControlTest& test) : socket(test.io_) {
      socket.connect(Protocol::endpoint(test.path_.string()));
    }
    Protocol::socket socket;
    std::string input;
    std::vector<std::string> lines;
    bool closed = false;

    void receive() {
      boost::asio::async_read_until(
          socket, boost::asio::dynamic_buffer(input), '\n',
          [this, self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
            if (error) {
              closed = true;
              return;
            }
            lines.push_back(input.substr(0, size));
            input.erase(0, size);
            receive();
          });
    }
    void send(const std::string& text) {
      boost::system::error_code ignored;
      boost::asio::write(socket, boost::asio::buffer(text), ignored);
    }
  };

  std::shared_ptr<Client> client() {
    auto out = std::make_shared<Client>(*this);
    out->receive();
    return out;
  }

  bool until(const std::function<bool()>& condition) { return test::run_until(io_, condition); }

  boost::asio::io_context io_{1};
  std::filesystem::path folder_;
  std::filesystem::path path_;
  ControlGroups groups_;
  struct Silence : Log {
    void write(Severity, std::string_view, std::span<const LogField>) override {}
  } silence_;
  EventFeed feed_{silence_, [] { return 1250ms; }};
  std::weak_ptr<EventQueue> newest_queue_;
  std::vector<ControlRequest> requests_;
  std::vector<Access> accesses_;
  ControlServer::Reply later_;
  std::unique_ptr<ControlServer> server_;
};

}  // namespace hasync::hasyncd
