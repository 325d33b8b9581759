// RingLink against a real ring: what it does when more waits for corosync than may, and with what is out of
// order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hasyncd/ring_link.h"
#include "hasyncd/wire/packing.h"
#include "hasyncd/wire/ring_codec.h"
#include "tests/support/corosync_ring.h"
#include "tests/support/run_until.h"

namespace hasync::hasyncd {
namespace {

using test::run_until;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

constexpr Incarnation kIncarnation{5};

KeySet one_key() {
  KeySet out;
  out.keys.push_back({1, Secret{Bytes(32, 1)}, {}});
  return out;
}

// A context of that size in an entry: 16 MiB are some seventy of them.
RingMessage large(std::uint64_t number) {
  Delta delta{
      .sa = {number, 1}, .version = 1, .peer = Address::v4(192, 0, 2, 9), .outbound = {}, .sealed = {}};
  delta.sealed.assign(std::size_t{250} << 10U, 's');
  return {kIncarnation, number, Entry{Epoch{1}, std::move(delta)}};
}

class RingQueue : public testing::Test {
 protected:
  void SetUp() override {
    auto ring = test::CorosyncRing::start(2);
    if (!ring) GTEST_SKIP() << "SKIPPED: " << ring.error().what;
    ring_.emplace(*std::move(ring));
    ring_->inside(2, [&] { ASSERT_TRUE(run_until(io_, [&] { return bool{other_.connect()}; })); });
    ring_->inside(1, [&] { make_link(); });
  }
  void TearDown() override {
    if (link_) link_->stop();
    other_.close();
  }

  void make_link() {
    Config config;
    config.node = NodeId{1};
    config.cluster_name = "test";
    config.members = {{NodeId{1}, "gw1", Address::v4(10, 77, 0, 1)},
                      {NodeId{2}, "gw2", Address::v4(10, 77, 0, 2)}};
    config.heartbeat_port = 5777;
    auto link = RingLink::create(
        io_, config, one_key(), kIncarnation,
        {.view = [this](const std::vector<NodeId>& nodes) { members_ = nodes.size(); },
         .message = [this](NodeId, const RingMessage& message) { delivered_.push_back(message.number); },
         .quorate = [](bool) {},
         .lost =
             [this](const Error&) {
               members_ = 0;
               ++lost_;
             },
         .refused = [this](const std::string& what, const Error&) { refused_.push_back(what); }});
    ASSERT_TRUE(link) << link.error().what;
    link_ = *std::move(link);
    link_->start();
  }
  bool joined() {
    return run_until(io_, [&] { return members_ == 2; });
  }

  boost::asio::io_context io_{1};
  std::optional<test::CorosyncRing> ring_;
  std::vector<GroupChange> left_;  // why, as the other node is told
  CpgChannel other_{io_,
                    {.view =
                         [this](const GroupView& view) {
                           for (const GroupView::Change& one : view.left) left_.push_back(one.reason);
                         },
                     .delivered = [](GroupMember, BytesView) {},
                     .lost = [](const Error&) {}},
                    "hasyncd/test"};
  std::unique_ptr<RingLink> link_;
  std::size_t members_ = 0;
  std::vector<std::uint64_t> delivered_;
  std::vector<std::string> refused_;
  int lost_ = 0;
};

// The ring keeps an order, but another process may break it, or have another cluster's key.
TEST_F(RingQueue, WhatComesTwiceOutOfOrderOrSealedByOthersIsDroppedCountedAndTold) {
  ring_->inside(1, [&] {
    ASSERT_TRUE(joined()) << ring_->log();
    const auto say = [&](std::uint64_t number, std::uint8_t key) {
      KeySet keys;
      keys.keys.push_back({1, Secret{Bytes(32, key)}, {}});
      Sealer sealer(keys, &Key::auth);
      Bytes packed;
      pack(packed, sealer.seal(encode(RingMessage{kIncarnation, number, Hello{}}),
                               additional_data(Purpose::Ring, NodeId{2})));
      ASSERT_TRUE(other_.multicast(std::move(packed)));
    };
    for (const std::uint64_t number : {1, 3, 2, 3}) say(number, 1);
    say(4, 9);
    say(5, 1);
    ASSERT_TRUE(run_until(io_, [&] { return !delivered_.empty() && delivered_.back() == 5; }));
    EXPECT_THAT(delivered_, ElementsAre(1, 3, 5));
    EXPECT_THAT(refused_, ElementsAre("ring-replayed", "ring-replayed", "ring-unsealed"));
    EXPECT_EQ(link_->counters().replayed, 2U);
    EXPECT_EQ(link_->counters().unsealed, 1U);
    EXPECT_EQ(lost_, 0);
  });
}

// Nothing is left out in silence: what is not said would be a hole, so the node leaves and comes back.
TEST_F(RingQueue, AFullOneMakesTheNodeLeaveTheRingAndComeBack) {
  ring_->inside(1, [&] {
    ASSERT_TRUE(joined()) << ring_->log();
    std::uint64_t number = 0;
    while (refused_.empty() && number < 1000) link_->send(large(++number));
    EXPECT_THAT(refused_, ElementsAre("ring-queue"));
    EXPECT_EQ(link_->counters().unsent, 1U);
    EXPECT_EQ(lost_, 1);

    ASSERT_TRUE(joined()) << ring_->log();
    EXPECT_THAT(left_, ElementsAre(GroupChange::ProcessDown));
    link_->send(large(++number));
    EXPECT_TRUE(run_until(io_, [&] { return !delivered_.empty() && delivered_.back() == number; }));
    EXPECT_THAT(delivered_, Not(Contains(number - 1))) << "is a matter of a snapshot";
    EXPECT_EQ(lost_, 1);
  });
}

}  // namespace
}  // namespace hasync::hasyncd
