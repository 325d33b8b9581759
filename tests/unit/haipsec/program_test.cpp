// The program itself, against a control socket that this test answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <thread>

#include "haipsec/display.h"
#include "hasyncd/adapters/control_server.h"
#include "hasyncd/adapters/key_file.h"
#include "tests/support/running.h"

namespace hasync::haipsec {
namespace {

using namespace hasyncd;
using testing::HasSubstr;
using testing::StartsWith;

struct Ran {
  int code = -1;
  std::string output;  // both streams
};

Ran run(const std::string& arguments) {
  Ran out;
  FILE* pipe = ::popen((HAIPSEC_PROGRAM " " + arguments + " 2>&1").c_str(), "r");  // NOLINT(cert-env33-c)
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    out.output.append(buffer.data(), n);
  }
  const int status = ::pclose(pipe);
  out.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

// What it shows on a terminal of that many columns.
std::string shown(std::vector<std::string> words, unsigned short width, bool colours) {
  words.insert(words.begin(), HAIPSEC_PROGRAM);
  const winsize size{.ws_row = 24, .ws_col = width};
  int terminal = -1;
  const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (pid == 0) {
    colours ? ::unsetenv("NO_COLOR") : ::setenv("NO_COLOR", "1", 1);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  std::string out;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(terminal, buffer.data(), buffer.size())) > 0;)
    out.append(buffer.data(), static_cast<std::size_t>(n));
  ::close(terminal);
  ::waitpid(pid, nullptr, 0);
  return out;
}

class ProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "haipsec-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void serve(ControlAnswer answer) {
    serve_each([answer = std::move(answer)](const ControlRequest&) { return answer; });
  }
  void serve_each(std::function<ControlAnswer(const ControlRequest&)> answer) {
    auto server = ControlServer::create(
        io_, folder_ / "s", {},
        [this, answer = std::move(answer)](const ControlRequest& request, Access, const auto& reply) {
          asked_ = request;
          reply(answer(request));
        });
    ASSERT_TRUE(server);
    server_ = *std::move(server);
    thread_ = std::thread([this] { io_.run(); });
  }
  Ran ask(const std::string& arguments) {
    return run("--socket " + (folder_ / "s").string() + " " + arguments);
  }

  boost::asio::io_context io_{1};
  std::filesystem::path folder_;
  std::unique_ptr<ControlServer> server_;
  std::thread thread_;
  ControlRequest asked_;
};

TEST_F(ProgramTest, WrongUsageIsTwo) {
  for (const char* arguments :
       {"", "dance", "show", "status --colour", "status extra", "keygen --out", "key", "key dance"}) {
    EXPECT_EQ(run(arguments).code, 2) << arguments;
  }
  const Ran help = run("--help");
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.output, HasSubstr("Examples:"));
}

TEST_F(ProgramTest, NobodyThereIsThree) {
  for (const char* arguments : {"status", "nodes", "tunnels", "show x", "migrate", "failover", "reload",
                                "events", "events --follow", "key status", "key reload"}) {
    const Ran ran = ask(arguments);
    EXPECT_EQ(ran.code, 3) << arguments;
    EXPECT_THAT(ran.output, HasSubstr("does not answer")) << arguments;
  }
  EXPECT_THAT(ask("status --json").output, StartsWith("{\"ok\":false,\"error\""));
}

TEST_F(ProgramTest, ARefusalIsOneWithItsText) {
  serve(Error{Errc::Conflict, "node gw2 is not ready"});
  const Ran ran = ask("migrate --to gw2");
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.output, "haipsec: node gw2 is not ready\n");
  EXPECT_EQ(asked_.command, "migrate");
  EXPECT_EQ(asked_.argument("to"), "gw2");
}

TEST_F(ProgramTest, ASuccessIsZeroWithTextOrOneObject) {
  serve(Accepted{"gw2 owns everything"});
  const Ran plain = ask("failover");
  EXPECT_EQ(plain.code, 0);
  EXPECT_EQ(plain.output, "gw2 owns everything\n");
  const Ran json = ask("failover --json");
  EXPECT_EQ(json.code, 0);
  EXPECT_EQ(json.output, "{\"ok\":true,\"text\":\"gw2 owns everything\"}\n");
}

TEST_F(ProgramTest, StatusIsReadable) {
  NodeStatus status;
  status.cluster = "branch";
  serve(status);
  EXPECT_THAT(ask("status").output, StartsWith("cluster    branch\n"));
  EXPECT_THAT(ask("nodes").output, StartsWith("ID  NAME"));
}

TEST_F(ProgramTest, OnATerminalAListFitsAndWhatMattersHasColour) {
  TunnelStatus tunnel{.connection = "branch-7", .remote_id = "a-very-long-identity.example"};
  serve(TunnelPage{{tunnel}, {}});
  const auto tunnels = [&](unsigned short width, bool colours) {
    return shown({"--socket", (folder_ / "s").string(), "tunnels"}, width, colours);
  };
  const std::string narrow = tunnels(80, true);
  std::istringstream lines(narrow);
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(columns(std::regex_replace(line, std::regex("\x1b\\[[0-9]*m|\r"), "")), 80U) << line;
  EXPECT_THAT(narrow, HasSubstr("…"));
  EXPECT_THAT(narrow, HasSubstr("\x1b[33mno\x1b[0m"));
  EXPECT_THAT(tunnels(200, false),
              testing::AllOf(HasSubstr("a-very-long-identity.example"), testing::Not(HasSubstr("\x1b"))));
  EXPECT_THAT(ask("tunnels").output,
              testing::AllOf(HasSubstr("a-very-long-identity.example"), testing::Not(HasSubstr("\x1b"))));
}

TEST_F(ProgramTest, ALongListIsAskedForPageByPage) {
  serve_each([](const ControlRequest& request) -> ControlAnswer {
    const auto after = request.argument("after");
    if (!after) return TunnelPage{{{.sa = {1, 1}, .connection = "first"}}, SaId{1, 1}};
    if (parse_sa_id(*after) != SaId{1, 1}) return Error{Errc::Invalid, "after: " + *after};
    return TunnelPage{{{.sa = {2, 2}, .connection = "last"}}, {}};
  });
  const Ran plain = ask("tunnels");
  EXPECT_EQ(plain.code, 0);
  EXPECT_THAT(plain.output, testing::ContainsRegex("CONNECTION.*\nfirst.*\nlast.*\n"));
  const Ran json = ask("tunnels --json");
  EXPECT_THAT(json.output,
              testing::ContainsRegex("^\\{\"tunnels\":\\[.*\"first\".*\"last\".*\\],\"ok\":true\\}\n$"));
  EXPECT_EQ(nlohmann::json::parse(json.output)["tunnels"].size(), 2U);
  EXPECT_EQ(ask("tunnels --json --peer nobody").output, "{\"tunnels\":[],\"ok\":true}\n");
  EXPECT_EQ(ask("tunnels --peer nobody").output, "no tunnels\n");
  EXPECT_EQ(ask("tunnels --state asleep").code, 2);
}

TEST_F(ProgramTest, AListThatIsRefusedOnTheWayIsAnError) {
  serve_each([](const ControlRequest& request) -> ControlAnswer {
    if (request.argument("after")) return Error{Errc::Invalid, "no"};
    return TunnelPage{{{.sa = {1, 1}, .connection = "first"}}, SaId{1, 1}};
  });
  EXPECT_EQ(ask("tunnels").code, 1);
  test::Running haipsec(HAIPSEC_PROGRAM, {"--socket", (folder_ / "s").string(), "tunnels", "--json"});
  const auto object = nlohmann::json::parse(haipsec.line());
  EXPECT_EQ(haipsec.ended(), 1);
  EXPECT_EQ(object["tunnels"].size(), 1U);
  EXPECT_EQ(object["ok"], false);
  EXPECT_EQ(object["error"]["text"], "no");
}

// hasyncd has answered once, and no more.
TEST_F(ProgramTest, AListIsWrittenAsItIsToldAndOneThatBreaksOffSaysSo) {
  boost::asio::local::stream_protocol::acceptor acceptor(
      io_, boost::asio::local::stream_protocol::endpoint((folder_ / "s").string()));
  test::Running haipsec(HAIPSEC_PROGRAM, {"--socket", (folder_ / "s").string(), "tunnels", "--json"});
  const std::string first = "{\"tunnels\":[{\"connection\":\"first\"}";
  {
    auto socket = acceptor.accept();
    std::array<char, 256> request{};
    socket.receive(boost::asio::buffer(request));
    socket.send(boost::asio::buffer("{\"ok\":true," + first.substr(1) + "],\"next\":\"x\"}\n"));
    EXPECT_EQ(haipsec.read(first.size()), first);
    socket.receive(boost::asio::buffer(request));
  }
  EXPECT_EQ(haipsec.line(),
            "],\"ok\":false,\"error\":{\"code\":\"failed\",\"text\":\"hasyncd broke off\"}}\n");
  EXPECT_EQ(haipsec.ended(), 3);
}

struct Silence : Log {
  void write(Severity, std::string_view, std::span<const LogField>) override {}
};

class FollowTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    feed_.info("started", {{"node", "1"}});
    serve(EventStream{feed_.follow()});
  }
  // The server's thread is the one that its events come from.
  void happens(const std::string& id) {
    boost::asio::post(io_, [this, id] { feed_.warning(id, {{"text", "two words"}}); });
  }
  std::vector<std::string> arguments() {
    return {"--socket", (folder_ / "s").string(), "events", "--follow"};
  }

  Silence silence_;
  EventFeed feed_{silence_, [] { return std::chrono::milliseconds{1250}; }};
};

TEST_F(FollowTest, EventsArePrintedAsTheyHappenUntilTheUserInterrupts) {
  test::Running haipsec(HAIPSEC_PROGRAM, arguments());
  EXPECT_EQ(haipsec.line(), "1970-01-01T00:00:01.250Z info event=started node=1\n");
  happens("charon-lost");
  EXPECT_EQ(haipsec.line(), "1970-01-01T00:00:01.250Z warning event=charon-lost text=\"two words\"\n");
  haipsec.interrupt(SIGINT);
  EXPECT_EQ(haipsec.ended(), 0);
}

TEST_F(FollowTest, AServiceManagerEndsItCleanlyAsWell) {
  test::Running haipsec(HAIPSEC_PROGRAM, arguments());
  EXPECT_THAT(haipsec.line(), HasSubstr("started"));
  haipsec.interrupt(SIGTERM);
  EXPECT_EQ(haipsec.ended(), 0);
}

TEST_F(FollowTest, AsJsonEachIsAnObjectOnALine) {
  std::vector<std::string> words = arguments();
  words.emplace_back("--json");
  test::Running haipsec(HAIPSEC_PROGRAM, words);
  EXPECT_THAT(haipsec.line(), HasSubstr("\"event\":\"started\",\"fields\":{\"node\":\"1\"}}\n"));
  happens("charon-lost");
  EXPECT_THAT(haipsec.line(), HasSubstr("\"event\":\"charon-lost\""));
}

TEST_F(FollowTest, ItEndsWhenNobodyReadsAnyMore) {
  test::Running haipsec(HAIPSEC_PROGRAM, arguments());
  EXPECT_THAT(haipsec.line(), HasSubstr("started"));
  haipsec.close_output();
  EXPECT_EQ(haipsec.ended(), 0);
}

TEST_F(ProgramTest, WhatWasLoggedLatelyIsAList) {
  auto event = std::make_shared<Event>();
  event->id = "started";
  serve(EventList{{event, event}});
  const Ran ran = ask("events");
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.output,
            "1970-01-01T00:00:00.000Z debug event=started\n1970-01-01T00:00:00.000Z debug event=started\n");
  EXPECT_EQ(asked_.argument("follow"), std::nullopt);
  EXPECT_THAT(ask("events --json").output, StartsWith("{\"ok\":true,\"events\":[{\"number\":0,"));
}

TEST_F(ProgramTest, AStreamThatIsRefusedIsOneAndOneThatBreaksOffIsThree) {
  serve(Error{Errc::Busy, "too many follow the events"});
  EXPECT_EQ(ask("events --follow").code, 1);
  io_.stop();
  thread_.join();
  server_.reset();
  boost::asio::io_context io;
  boost::asio::local::stream_protocol::acceptor acceptor(
      io, boost::asio::local::stream_protocol::endpoint((folder_ / "s").string()));
  test::Running haipsec(HAIPSEC_PROGRAM, {"--socket", (folder_ / "s").string(), "events", "--follow"});
  {
    auto socket = acceptor.accept();
    std::array<char, 256> request{};
    socket.receive(boost::asio::buffer(request));
    socket.send(boost::asio::buffer(std::string("{\"ok\":true}\n{\"missed\":3}\n")));
    EXPECT_EQ(haipsec.line(), "(3 events missed: they came faster than they were read)\n");
  }
  EXPECT_EQ(haipsec.ended(), 3);
}

TEST_F(ProgramTest, AKeyIsRotatedWithoutADaemonAndRetiredOnlyWhenItSaysSo) {
  const std::string file = " --key " + (folder_ / "key").string();
  ASSERT_EQ(run("keygen --out " + folder_.string()).code, 0);
  const Ran rotated = ask("key rotate" + file);
  EXPECT_EQ(rotated.code, 0);
  EXPECT_THAT(rotated.output, HasSubstr("hasyncd has not read it yet"));
  EXPECT_EQ(ask("key retire" + file).code, 3);

  const auto ids = load_keys(folder_ / "key")->ids();
  ASSERT_EQ(ids.size(), 2U);
  KeyStatus status{.keys = {key_id_text(ids[0]), key_id_text(ids[1])}, .needed = "gw2 was not heard"};
  serve(status);
  const Ran refused = ask("key retire" + file);
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.output, HasSubstr("still needed: gw2 was not heard"));
  EXPECT_EQ(load_keys(folder_ / "key")->ids(), ids);
  ASSERT_EQ(ask("key rotate" + file).code, 0);
  EXPECT_THAT(ask("key retire" + file).output, HasSubstr("hasyncd has other keys than the file"));
}

TEST_F(ProgramTest, ADaemonThatSpeaksNonsenseIsOne) {
  boost::asio::local::stream_protocol::acceptor acceptor(
      io_, boost::asio::local::stream_protocol::endpoint((folder_ / "s").string()));
  std::thread nonsense([&] {
    auto socket = acceptor.accept();
    std::array<char, 256> request{};
    socket.receive(boost::asio::buffer(request));
    socket.send(boost::asio::buffer(std::string("HTTP/1.1 400\n")));
  });
  EXPECT_EQ(ask("status").code, 1);
  nonsense.join();
}

TEST_F(ProgramTest, KeygenMakesBothFilesAndOverwritesNothing) {
  const std::string arguments = "keygen --out " + folder_.string() + " --witness " + (folder_ / "w").string();
  const Ran made = run(arguments);
  EXPECT_EQ(made.code, 0) << made.output;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "key"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "w"));
  const Ran again = run(arguments);
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.output, HasSubstr("never overwritten"));
  // No key is ever printed.
  std::ifstream in(folder_ / "key");
  std::string word;
  while (in >> word) {
    if (word.size() == 64) {
      EXPECT_EQ(made.output.find(word), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace hasync::haipsec
