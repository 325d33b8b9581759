// Events over the control socket, to clients that read, do not read, and go.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/unit/hasyncd/control_fixture.h"

namespace hasync::hasyncd {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class StreamTest : public ControlTest {
 protected:
  std::shared_ptr<Client> follower() {
    auto out = client();
    out->send("{\"command\":\"events\"}\n");
    EXPECT_TRUE(until([&] { return !out->lines.empty(); }));
    return out;
  }
  bool answers() {
    auto other = client();
    other->send("{\"command\":\"x\"}\n");
    return until([&] { return other->closed || !other->lines.empty(); }) &&
           other->lines.at(0).find("did x") != std::string::npos;
  }
};

TEST_F(StreamTest, TellsWhatIsKeptAndThenWhatHappens) {
  feed_.info("started", {{"node", "1"}});
  auto c = follower();
  ASSERT_TRUE(until([&] { return c->lines.size() == 2; }));
  EXPECT_EQ(c->lines[0], "{\"ok\":true,\"following\":true}\n");
  EXPECT_EQ(c->lines[1],
            "{\"number\":1,\"time\":\"1970-01-01T00:00:01.250Z\",\"severity\":\"info\",\"event\":\"started\","
            "\"fields\":{\"node\":\"1\"}}\n");
  feed_.error("charon-lost", {{"error", "b\xff"}});
  feed_.debug("context-put");
  feed_.warning("clock-stepped");
  ASSERT_TRUE(until([&] { return c->lines.size() == 4; }));
  EXPECT_THAT(c->lines[2], HasSubstr(R"("severity":"error","event":"charon-lost","fields":{"error":"b)"
                                     "\xef\xbf\xbd"));
  EXPECT_THAT(c->lines[3], HasSubstr("\"number\":3,"));
  EXPECT_THAT(c->lines[3], HasSubstr("\"event\":\"clock-stepped\",\"fields\":{}"));
}

TEST_F(StreamTest, WhoDoesNotReadMissesEventsIsToldHowManyAndStopsNobody) {
  auto slow = std::make_shared<Client>(*this);
  slow->send("{\"command\":\"events\"}\n");
  ASSERT_TRUE(until([&] { return !requests_.empty(); }));
  // More than the kernel holds for it and the queue together, each time after the loop had its turn.
  const std::uint64_t total = 3 * EventQueue::kMost;
  const std::string long_text(1000, 'x');
  for (std::uint64_t i = 0; i < total; ++i) {
    feed_.info("noise", {{"text", long_text}});
    io_.restart();
    io_.poll();
  }
  EXPECT_TRUE(answers());

  slow->receive();
  std::uint64_t heard = 0;
  std::uint64_t missed = 0;
  std::size_t looked = 0;
  ASSERT_TRUE(until([&] {
    for (; looked < slow->lines.size(); ++looked) {
      const auto object = nlohmann::json::parse(slow->lines[looked]);
      missed += object.value("missed", 0U);
      if (!object.contains("number")) continue;
      EXPECT_EQ(object["number"], ++heard + missed);
    }
    return heard + missed == total;
  })) << heard
      << " heard, " << missed << " missed";
  EXPECT_GE(heard, EventQueue::kMost);
  EXPECT_GE(missed, EventQueue::kMost / 2);
  feed_.info("after");
  EXPECT_TRUE(until([&] { return slow->lines.back().find("\"event\":\"after\"") != std::string::npos; }));
}

TEST_F(StreamTest, AClientThatHasGoneLeavesNothingBehind) {
  auto c = follower();
  feed_.info("one");
  ASSERT_TRUE(until([&] { return c->lines.size() == 2; }));
  ASSERT_FALSE(newest_queue_.expired());
  c->socket.close();
  EXPECT_TRUE(until([&] { return newest_queue_.expired(); }));
  feed_.info("two");
  EXPECT_TRUE(answers());
}

TEST_F(StreamTest, OneThatGoesWithoutHavingReadLeavesNothingBehindEither) {
  auto c = std::make_shared<Client>(*this);
  c->send("{\"command\":\"events\"}\n");
  ASSERT_TRUE(until([&] { return !requests_.empty(); }));
  for (std::size_t i = 0; i < EventQueue::kMost; ++i) feed_.info("noise", {{"text", std::string(1000, 'x')}});
  ASSERT_TRUE(until([&] { return c->socket.available() > 0; }));
  ASSERT_FALSE(newest_queue_.expired());
  c->socket.close();
  EXPECT_TRUE(until([&] { return newest_queue_.expired(); }));
}

TEST_F(StreamTest, StreamsAreLimitedAndLeaveRoomForRequests) {
  std::vector<std::shared_ptr<Client>> all;
  while (all.size() < ControlServer::kMaxStreams) all.push_back(follower());
  auto surplus = follower();
  EXPECT_THAT(surplus->lines[0], StartsWith("{\"ok\":false,\"error\":{\"code\":\"busy\""));
  EXPECT_EQ(server_->counters().refused, 1U);
  EXPECT_TRUE(answers());
}

TEST_F(StreamTest, ARequestBehindOneForAStreamEndsTheConnection) {
  auto both = client();
  both->send("{\"command\":\"events\"}\n{\"command\":\"x\"}\n");
  ASSERT_TRUE(until([&] { return both->closed; }));
  EXPECT_THAT(both->lines.at(0), HasSubstr("nothing may come after"));
  auto later = follower();
  later->send("{\"command\":\"x\"}\n");
  EXPECT_TRUE(until([&] { return later->closed; }));
  EXPECT_EQ(requests_.size(), 2U);
}

}  // namespace
}  // namespace hasync::hasyncd
