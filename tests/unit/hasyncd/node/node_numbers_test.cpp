// What an owner does about the numbers that its SAs have used.
#include <gtest/gtest.h>

#include "tests/unit/hasyncd/node/node_table.h"

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

constexpr SaId kTunnel{0xaaaa, 0xbbbb};
const Address kPeer = Address::v4(192, 0, 2, 10);
const OutboundKey kKey{kPeer, EspSpi{7}};

class OwnersNumbers : public testing::Test {
 protected:
  void begin(bool esn, std::uint64_t used) {
    table_.pass(milliseconds{500});
    ASSERT_EQ(table_.node_.role(), Role::Owner);
    table_.do_(table_.node_.on_charon({kTunnel, kPeer, {{kKey, esn, used}}, "sealed", true, 1}, table_.now_));
    table_.pass(milliseconds{50});
    table_.seen_.clear();
  }
  void see(const OutboundUse& use) { table_.do_(table_.node_.on_used({use}, table_.now_)); }
  std::size_t noted(const std::string& id) const {
    return static_cast<std::size_t>(std::ranges::count_if(table_.seen_, [&](const Action& action) {
      const auto* note = std::get_if<Note>(&action);
      return note != nullptr && note->id == id;
    }));
  }
  bool sets(std::uint64_t number) const {
    return std::ranges::count(table_.seen_, Action{SetNumbers{{{kKey, number, false}}}}) == 1;
  }
  Table table_{false};
};

TEST_F(OwnersNumbers, ACounterThatFellBackIsSetAgain) {
  begin(false, 5000);
  see({kKey, 5000, 0, 5000});
  EXPECT_EQ(count<SetNumbers>(table_.seen_), 0U);
  see({kKey, 5000, 0, std::nullopt});  // not asked
  EXPECT_EQ(count<SetNumbers>(table_.seen_), 0U);
  see({kKey, 5000, 0, 4999});
  EXPECT_TRUE(sets(5000));
  EXPECT_EQ(noted("number-vanished"), 1U);
  EXPECT_EQ(table_.node_.counted().numbers_vanished, 1U);
}

TEST_F(OwnersNumbers, OneThatIsBeingPutIsLeftAlone) {
  begin(false, 5000);
  table_.do_(table_.node_.on_charon_lost(table_.now_));
  table_.do_(table_.node_.on_charon_synced(table_.now_));
  ASSERT_EQ(count<PutContext>(table_.seen_), 1U);
  see({kKey, 5000, 0, 10});
  EXPECT_EQ(noted("number-vanished"), 0U);
}

TEST_F(OwnersNumbers, AnOverrunIsToldAndItsNextLeaseReachesBeyond) {
  begin(false, 0);
  const std::uint64_t end = table_.node_.replica().leases().at(kKey).end;
  see({kKey, end + 100, 50, end + 100});
  EXPECT_EQ(noted("lease-overrun"), 1U);
  EXPECT_EQ(table_.node_.counted().lease_overruns, 1U);
  EXPECT_GT(table_.node_.replica().leases().at(kKey).end, end + 100);
}

TEST_F(OwnersNumbers, AGrantTellsOthersWhatHasLeft) {
  begin(false, 0);
  const LeaseState before = table_.node_.replica().leases().at(kKey);
  see({kKey, before.end - 1, 77, std::nullopt});
  EXPECT_GT(table_.node_.replica().leases().at(kKey).end, before.end);
  EXPECT_EQ(table_.node_.replica().leases().at(kKey).left, 77U);
}

TEST_F(OwnersNumbers, WithoutEsnTheLastQuarterEndsInARekey) {
  begin(false, 0xf0000000);
  see({kKey, 0xf0000000, 0, std::nullopt});
  EXPECT_EQ(std::ranges::count(table_.seen_, Action{RekeyChild{kTunnel, kKey}}), 1);
  EXPECT_EQ(noted("numbers-ending"), 1U);
}

TEST_F(OwnersNumbers, WithEsnAJumpThatAPeerMightNotFollowEndsInARekey) {
  begin(true, jump_limit(EspSpi{7}) + 1);
  see({kKey, jump_limit(EspSpi{7}) + 1, 0, std::nullopt});
  EXPECT_EQ(std::ranges::count(table_.seen_, Action{RekeyChild{kTunnel, kKey}}), 1);
  EXPECT_EQ(noted("numbers-jumped"), 1U);
}

}  // namespace
}  // namespace hasync::hasyncd
