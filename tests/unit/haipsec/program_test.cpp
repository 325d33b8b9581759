// The program itself, against a control socket that this test answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "hasyncd/adapters/control_server.h"
#include "hasyncd/adapters/key_file.h"

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
    auto server = ControlServer::create(
        io_, folder_ / "s", {},
        [this, answer = std::move(answer)](const ControlRequest& request, Access, const auto& reply) {
          asked_ = request;
          reply(answer);
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
                                "key status", "key reload"}) {
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
