// RingLink's heartbeats, over loopback: what it does with what comes, and what leaves. Its other half needs a
// corosync (tests/integration/ring_queue_test.cpp).
#include "hasyncd/ring_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hasyncd/wire/ring_codec.h"
#include "tests/support/run_until.h"

namespace hasync::hasyncd {
namespace {

using test::run_until;
using testing::ElementsAre;

constexpr NodeId kSelf{1};
constexpr NodeId kOther{2};
const Address kHere = Address::v4(127, 0, 0, 1);
const Address kThere = Address::v4(127, 0, 0, 2);

KeySet keys_of(std::initializer_list<std::uint32_t> ids) {
  KeySet out;
  for (const std::uint32_t id : ids)
    out.keys.push_back({id, Secret{Bytes(32, static_cast<std::uint8_t>(id))}, {}});
  return out;
}

Heartbeat heartbeat_of(NodeId node, std::uint64_t number) {
  return {.from = {node, Incarnation{7}}, .number = number, .sent_ns = 1};
}

class RingLinkTest : public testing::Test {
 protected:
  void SetUp() override {
    // A port that is free on both addresses: the kernel has just given it away.
    auto there = HeartbeatSocket::create(io_, {kThere, 0}, {}, [this](BytesView bytes, const UdpEndpoint&) {
      const auto opened = others_.open(bytes, additional_);
      ASSERT_TRUE(opened) << opened.error().what;
      sealed_with_.push_back(key_id_of(bytes));
      came_.push_back(decode_heartbeat(*opened).value());
    });
    ASSERT_TRUE(there) << there.error().what;
    there_ = *std::move(there);
    Config config;
    config.node = kSelf;
    config.cluster_name = "test";
    config.members = {{kSelf, "here", kHere}, {kOther, "there", kThere}};
    config.heartbeat_port = there_->local().port;
    auto link = RingLink::create(
        io_, config, keys_of({1}), Incarnation{5},
        {.heartbeat = [this](const Heartbeat& heartbeat) { heard_.push_back(heartbeat.number); },
         .refused =
             [this](const std::string& what, const Error& error) {
               refused_.push_back(what);
               reasons_.push_back(error.what);
             }});
    ASSERT_TRUE(link) << link.error().what;
    link_ = *std::move(link);
    there_->set_peers({{kSelf, {kHere, config.heartbeat_port}}});
  }

  void send_from(HeartbeatSocket& socket, Sealer& sealer, const Bytes& message) {
    socket.set_peers({{kSelf, {kHere, there_->local().port}}});
    socket.send(kSelf, sealer.seal(message, additional_));
  }
  void say(const Heartbeat& heartbeat) { send_from(*there_, others_, encode(heartbeat)); }
  bool told(std::size_t count) {
    return run_until(io_, [&] { return refused_.size() >= count; });
  }

  const std::array<std::uint8_t, 5> additional_ = additional_data(Purpose::Heartbeat, kNobody);
  boost::asio::io_context io_{1};
  Sealer others_{keys_of({1, 2}), &Key::auth};
  std::vector<Heartbeat> came_;
  std::vector<std::uint32_t> sealed_with_;
  std::vector<std::uint64_t> heard_;
  std::vector<std::string> refused_;
  std::vector<std::string> reasons_;
  std::unique_ptr<HeartbeatSocket> there_;
  std::unique_ptr<RingLink> link_;
};

TEST_F(RingLinkTest, AHeartbeatCountsOnce) {
  others_.seal_with(1);
  for (const std::uint64_t number : {3, 3, 2, 4}) say(heartbeat_of(kOther, number));
  ASSERT_TRUE(run_until(io_, [&] { return heard_.size() == 2 && link_->counters().replayed == 2; }));
  EXPECT_THAT(heard_, ElementsAre(3U, 4U));
  EXPECT_EQ(link_->counters().heartbeats_received, 2U);
}

TEST_F(RingLinkTest, ItsOwnHeartbeatSentBackCountsForNothing) {
  others_.seal_with(1);
  say(heartbeat_of(kSelf, 1));
  ASSERT_TRUE(run_until(io_, [&] { return link_->counters().replayed == 1; }));
  EXPECT_TRUE(heard_.empty());
}

TEST_F(RingLinkTest, StrangersAreRememberedAndToldOfByAddressAndNotWithoutEnd) {
  Sealer foreign{keys_of({9}), &Key::auth};
  std::vector<std::unique_ptr<HeartbeatSocket>> sockets;
  for (std::uint8_t i = 0; i < RingLink::kMaxStrangers + 2; ++i) {
    auto socket =
        HeartbeatSocket::create(io_, {Address::v4(127, 0, 1, static_cast<std::uint8_t>(i + 1)), 0}, {}, {});
    ASSERT_TRUE(socket) << socket.error().what;
    send_from(**socket, foreign, encode(heartbeat_of(kOther, 1)));
    if (i == 0) send_from(**socket, foreign, Bytes{1, 2, 3});
    sockets.push_back(*std::move(socket));
  }
  ASSERT_TRUE(run_until(io_, [&] { return link_->counters().unsealed == RingLink::kMaxStrangers + 3; }));
  EXPECT_EQ(refused_, std::vector<std::string>(RingLink::kMaxStrangers, "heartbeat-unsealed"))
      << "each once, though the first has sent twice";
  EXPECT_EQ(reasons_.front(), "from 127.0.1.1: sealed with key 00000009; the key file here has 00000001");
  ASSERT_EQ(link_->strangers().size(), RingLink::kMaxStrangers);
  EXPECT_EQ(link_->strangers().front().address, Address::v4(127, 0, 1, 1));
  EXPECT_EQ(link_->strangers().front().datagrams, 2U);
  EXPECT_TRUE(heard_.empty());
}

TEST_F(RingLinkTest, AMemberThatSpeaksANewerVersionIsRemembered) {
  others_.seal_with(1);
  const Bytes message = encode(heartbeat_of(kOther, 1));
  Bytes newer = message;
  ASSERT_EQ(newer[0], 0x08);  // field major
  newer[1] = 2;
  send_from(*there_, others_, Bytes{0xff});  // no heartbeat of any version
  ASSERT_TRUE(told(1));
  EXPECT_TRUE(link_->newer().empty());
  send_from(*there_, others_, newer);
  ASSERT_TRUE(told(2));
  EXPECT_THAT(refused_, testing::Each("heartbeat-malformed"));
  EXPECT_EQ(link_->counters().malformed, 2U);
  EXPECT_TRUE(link_->newer().contains(kOther));
  EXPECT_TRUE(heard_.empty());
}

TEST_F(RingLinkTest, TheNewestHeartbeatAloneLeavesAndEachPartOfAReading) {
  const auto number = [](std::uint64_t n, bool reading) {
    Heartbeat out = heartbeat_of(kSelf, n);
    if (reading) out.windows = Windows{.round = 1};
    return out;
  };
  for (const auto& [n, reading] : {std::pair{1, false}, {2, false}, {3, true}, {4, false}, {5, false}})
    link_->send(number(static_cast<std::uint64_t>(n), reading));
  ASSERT_TRUE(run_until(io_, [&] { return came_.size() == 3; }));
  EXPECT_EQ(came_[0].number, 2U);
  EXPECT_EQ(came_[1].number, 3U);
  EXPECT_EQ(came_[2].number, 5U);
  EXPECT_EQ(link_->counters().heartbeats_sent, 3U);
  EXPECT_THAT(came_[0].keys, ElementsAre(1U)) << "which keys it opens with is told";
}

TEST_F(RingLinkTest, ANewKeyIsUsedWhenTheOtherHasItToo) {
  link_->use_keys(keys_of({1, 2}));
  link_->send(heartbeat_of(kSelf, 1));
  ASSERT_TRUE(run_until(io_, [&] { return sealed_with_.size() == 1; }));
  others_.seal_with(1);
  Heartbeat has_both = heartbeat_of(kOther, 1);
  has_both.keys = {1, 2};
  say(has_both);
  ASSERT_TRUE(run_until(io_, [&] { return heard_.size() == 1; }));
  link_->send(heartbeat_of(kSelf, 2));
  ASSERT_TRUE(run_until(io_, [&] { return sealed_with_.size() == 2; }));
  EXPECT_THAT(sealed_with_, ElementsAre(1U, 2U));
}

}  // namespace
}  // namespace hasync::hasyncd
