// The control socket over a real unix socket, with a client in the same loop.
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hasyncd/adapters/status_json.h"
#include "tests/unit/hasyncd/control_fixture.h"

namespace hasync::hasyncd {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(ControlTest, AnswersOneRequestAfterTheOther) {
  auto c = client();
  c->send("{\"command\":\"one\"}\n{\"command\":\"two\",\"to\":\"gw2\",\"count\":3}\n");
  ASSERT_TRUE(until([&] { return c->lines.size() == 2; }));
  EXPECT_EQ(c->lines[0], "{\"ok\":true,\"text\":\"did one\"}\n");
  EXPECT_EQ(c->lines[1], "{\"ok\":true,\"text\":\"did two\"}\n");
  EXPECT_EQ(requests_[1].argument("to"), "gw2");
  EXPECT_EQ(requests_[1].argument("count"), "3");
  EXPECT_EQ(requests_[1].argument("absent"), std::nullopt);
}

TEST_F(ControlTest, AnAnswerMayComeLaterAndOthersDoNotWaitForIt) {
  auto slow = client();
  auto quick = client();
  slow->send("{\"command\":\"later\"}\n{\"command\":\"after\"}\n");
  ASSERT_TRUE(until([&] { return later_ != nullptr; }));
  quick->send("{\"command\":\"now\"}\n");
  ASSERT_TRUE(until([&] { return quick->lines.size() == 1; }));
  EXPECT_TRUE(slow->lines.empty());
  later_(Error{Errc::Busy, "no"});
  later_(Accepted{"twice"});  // ignored
  ASSERT_TRUE(until([&] { return slow->lines.size() == 2; }));
  EXPECT_EQ(slow->lines[0], "{\"ok\":false,\"error\":{\"code\":\"busy\",\"text\":\"no\"}}\n");
  EXPECT_THAT(slow->lines[1], HasSubstr("did after"));
}

TEST_F(ControlTest, AReplyToAClientThatHasGoneIsHarmless) {
  auto c = client();
  c->send("{\"command\":\"later\"}\n");
  ASSERT_TRUE(until([&] { return later_ != nullptr; }));
  c->socket.close();
  later_(Accepted{"nobody hears"});
  auto next = client();
  next->send("{\"command\":\"x\"}\n");
  EXPECT_TRUE(until([&] { return next->lines.size() == 1; }));
}

TEST_F(ControlTest, WhatIsMalformedIsAnsweredCountedAndChangesNothing) {
  auto c = client();
  const std::string deep(30000, '[');
  for (const std::string& bad :
       {std::string("nonsense"), std::string(""), std::string("[1]"), std::string("{}"),
        std::string("{\"command\":7}"), std::string("{\"command\":\"x\",\"a\":{}}"),
        std::string("{\"command\":\"x\",\"a\":null}"), std::string("{\"command\":\"\xff\"}"), deep,
        std::string("\0\1", 2)}) {
    const std::size_t before = c->lines.size();
    c->send(bad + "\n");
    ASSERT_TRUE(until([&] { return c->lines.size() == before + 1; })) << bad;
    EXPECT_THAT(c->lines.back(), StartsWith("{\"ok\":false,\"error\":{\"code\":\"invalid\"")) << bad;
  }
  EXPECT_EQ(server_->counters().malformed, 10U);
  EXPECT_TRUE(requests_.empty());
  c->send("{\"command\":\"good\"}\n");
  EXPECT_TRUE(until([&] { return c->lines.back().find("did good") != std::string::npos; }));
}

TEST_F(ControlTest, AnEndlessRequestIsCutOff) {
  auto c = client();
  c->socket.non_blocking(true);  // the server stops reading
  c->send(std::string(ControlServer::kMaxRequest + 10, 'x'));
  ASSERT_TRUE(until([&] { return c->closed; }));
  ASSERT_EQ(c->lines.size(), 1U);
  EXPECT_THAT(c->lines[0], HasSubstr("longer than 65536 bytes"));
}

TEST_F(ControlTest, ConnectionsAreLimited) {
  std::vector<std::shared_ptr<Client>> clients;
  for (std::size_t i = 0; i < ControlServer::kMaxConnections; ++i) clients.push_back(client());
  auto surplus = client();
  ASSERT_TRUE(until([&] { return surplus->closed; }));
  EXPECT_THAT(surplus->lines.at(0), HasSubstr("too many connections"));
  for (auto& c : clients) c->socket.close();
  ASSERT_TRUE(until([&] {
    auto c = client();
    c->send("{\"command\":\"x\"}\n");
    return until([&] { return c->closed || !c->lines.empty(); }) &&
           c->lines.front().find("did x") != std::string::npos;
  }));
}

// What a process of another user reads from the socket after it has sent a request.
std::string told_to(uid_t user, gid_t group, const std::filesystem::path& path,
                    const std::function<void()>& serve) {
  int pipe[2];
  if (::pipe(pipe) != 0) return "no pipe";
  const pid_t pid = ::fork();
  if (pid == 0) {
    const gid_t more[] = {group};
    std::array<char, 512> text{};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const std::string_view request = "{\"command\":\"x\"}\n";
    ssize_t length = 0;
    if (::setgroups(1, more) == 0 && ::setgid(user) == 0 && ::setuid(user) == 0 &&
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      (void)::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
      length = ::recv(fd, text.data(), text.size(), 0);
    }
    if (length > 0 && ::write(pipe[1], text.data(), static_cast<std::size_t>(length)) < 0) ::_exit(1);
    ::_exit(0);
  }
  ::close(pipe[1]);
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) serve();
  std::array<char, 512> text{};
  const ssize_t length = ::read(pipe[0], text.data(), text.size());
  ::close(pipe[0]);
  return {text.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

TEST_F(ControlTest, TheKernelTellsWhoAsks) {
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: needs root to become others";
  server_.reset();
  std::filesystem::permissions(folder_, std::filesystem::perms::others_exec,
                               std::filesystem::perm_options::add);
  const auto serve = [this] {
    io_.restart();
    io_.run_for(5ms);
  };
  groups_ = {.admin = 40001, .read = 40002};
  server_ = *create();
  EXPECT_THAT(told_to(50000, 40001, path_, serve), HasSubstr("did x"));
  EXPECT_THAT(told_to(50000, 40002, path_, serve), HasSubstr("did x"));
  EXPECT_EQ(accesses_, (std::vector{Access::Admin, Access::Read}));
  EXPECT_THAT(told_to(50000, 40003, path_, serve),
              testing::AllOf(HasSubstr("\"denied\""), HasSubstr("user 50000 may not use hasyncd")));
  EXPECT_EQ(requests_.size(), 2U);
  EXPECT_EQ(server_->counters().denied, 1U);

  server_.reset();
  groups_ = {};
  server_ = *create();
  EXPECT_EQ(told_to(50000, 40001, path_, serve), "");  // cannot even open it
}

TEST_F(ControlTest, TheSocketIsForRootAndADeadOneIsReplaced) {
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  ASSERT_EQ(::stat(path_.parent_path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0755U);
  const auto second = create();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::Conflict);

  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  {
    Protocol::acceptor dead(io_, Protocol::endpoint(path_.string()));  // leaves its file behind
  }
  auto third = create();
  ASSERT_TRUE(third) << third.error().what;
  server_ = *std::move(third);
}

TEST(StatusJson, WritesEveryFieldOfANode) {
  NodeStatus status;
  status.version = "0.1.0";
  status.node = NodeId{1};
  status.owner = NodeId{2};
  status.fence = {true, 70ms, 60ms, 80ms};
  status.relations = {{"lease-standstill", "lease.size", "why", "numbers", 65536, 10000}};
  status.members.push_back({.id = NodeId{2}, .name = "b\xff", .owner = true, .last_heartbeat_ago = 4ms});
  status.counters.emplace_back("heartbeats_sent", 12);
  const std::string line = to_line(status);
  EXPECT_THAT(line, HasSubstr("\"owner\":2,"));
  EXPECT_THAT(
      line,
      HasSubstr(
          "\"fence\":{\"open\":true,\"margin_us\":70000,\"least_margin_us\":60000,\"length_us\":80000}"));
  EXPECT_THAT(line, HasSubstr(R"("value":65536,"least":10000,"margin":55536,"holds":true)"));
  EXPECT_THAT(line, HasSubstr("\"last_heartbeat_ago_ms\":4"));
  EXPECT_THAT(line, HasSubstr("\"heartbeats_sent\":12"));
  EXPECT_THAT(line, HasSubstr("b\xef\xbf\xbd"));  // not UTF-8 in, the replacement character out
}

TEST(StatusJson, WritesNumbersOfSecurityAssociationsAsPeersPrintThem) {
  TunnelStatus tunnel;
  tunnel.sa = {0xabc, UINT64_MAX};
  tunnel.leases.push_back({{Address::v4(192, 0, 2, 1), EspSpi{0xc1}}, false, 5, 65536});
  tunnel.vpe.push_back({EspSpi{0xc2}, {{NodeId{2}, 1, 3}}});
  const std::string line = to_line(TunnelPage{{tunnel}, SaId{1, 2}});
  EXPECT_THAT(line, StartsWith("{\"ok\":true,\"tunnels\":[{\"initiator_spi\":\"0000000000000abc\","
                               "\"responder_spi\":\"ffffffffffffffff\""));
  EXPECT_THAT(
      line,
      HasSubstr("{\"address\":\"192.0.2.1\",\"spi\":\"000000c1\",\"esn\":false,\"used\":5,\"end\":65536}"));
  EXPECT_THAT(
      line,
      HasSubstr("\"vpe\":[{\"spi\":\"000000c2\",\"nodes\":[{\"node\":2,\"place\":1,\"incarnation\":3}]}]"));
  EXPECT_THAT(line, HasSubstr("\"next\":\"0000000000000001_i 0000000000000002_r\"}"));
  EXPECT_THAT(to_line(TunnelPage{}), StartsWith("{\"ok\":true,\"tunnels\":[],\"next\":null}"));
}

}  // namespace
}  // namespace hasync::hasyncd
