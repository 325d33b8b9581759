// VPE at a gateway, as owner and as standby.
#include <gtest/gtest.h>

#include "tests/unit/hasyncd/node/node_table.h"

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

constexpr SaId kTunnel{0xaaaa, 0xbbbb};
constexpr EspSpi kSpi{7};
const Address kPeer = Address::v4(192, 0, 2, 10);

struct VpeNodes : testing::TestWithParam<bool> {  // the other one owns
  VpeNodes() { table_.pass(milliseconds{400}); }

  void owner_has(bool old = false) {
    const OutboundSa child{{kPeer, kSpi}, true, 0, EspSpi{1007}, true, old};
    if (!GetParam())
      return table_.do_(table_.node_.on_charon({kTunnel, kPeer, {child}, "sealed", true, 1}, table_.now_));
    const Entry entry{table_.node_.agreement().current()->epoch, Delta{kTunnel, 1, kPeer, {child}, "sealed"}};
    table_.do_(table_.node_.on_ring(kOther.node, {kOther.incarnation, ++table_.number_, entry}, table_.now_));
    table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
  }
  void vped(std::uint64_t session) { table_.do_(table_.node_.on_vpe(session, table_.now_)); }
  std::vector<GiveVpe> given() const {
    std::vector<GiveVpe> out;
    for (const Action& action : table_.seen_)
      if (const auto* give = std::get_if<GiveVpe>(&action)) out.push_back(*give);
    return out;
  }
  GiveVpe share(std::uint64_t session, std::uint8_t incarnation) const {
    return {session, {{kTunnel, kSpi, {0, incarnation}}}};
  }
  Table table_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(OwnerAndStandby, VpeNodes, testing::Bool());

TEST_P(VpeNodes, SendWithTheirOwnNumbersWhenThatIsStableAndHaveNeitherLeaseNorGate) {
  vped(11);
  table_.pass(milliseconds{20});
  owner_has();
  EXPECT_TRUE(given().empty()) << "the others have not acknowledged it";
  table_.pass(milliseconds{20});
  EXPECT_EQ(given(), std::vector{share(11, 0)});
  EXPECT_TRUE(table_.node_.replica().leases().empty());
  EXPECT_EQ(count<SetGate>(table_.seen_), 0U);
  EXPECT_EQ(count<SetNumbers>(table_.seen_), 0U);
}

TEST_P(VpeNodes, AVpedThatBeginsAnewGetsTheNextOnesAndAnOwnersNewKeys) {
  vped(11);
  owner_has();
  table_.pass(milliseconds{20});
  vped(0);
  vped(12);
  table_.pass(milliseconds{20});
  EXPECT_EQ(given(), (std::vector{share(11, 0), share(12, 1)}));
  EXPECT_EQ(count<RekeyChild>(table_.seen_), GetParam() ? 0U : 1U)
      << "what it had received could be replayed";
}

TEST_P(VpeNodes, AnSaOfUnknownPastIsNotSentOnAndTheOwnerRekeysIt) {
  vped(11);
  owner_has(true);
  table_.pass(milliseconds{20});
  EXPECT_TRUE(given().empty());
  EXPECT_EQ(count<RekeyChild>(table_.seen_), GetParam() ? 0U : 1U);
}

TEST_P(VpeNodes, AreReadyWithAVpedOnlyWhereThereIsVpe) {
  EXPECT_TRUE(table_.node_.ready(kSelf.node));
  owner_has();
  table_.pass(milliseconds{20});
  EXPECT_FALSE(table_.node_.ready(kSelf.node));
  vped(11);
  EXPECT_TRUE(table_.node_.ready(kSelf.node));
}

TEST_P(VpeNodes, CharonThatIsThereAgainIsGivenThemAgain) {
  vped(11);
  owner_has();
  table_.pass(milliseconds{20});
  table_.do_(table_.node_.on_charon_lost(table_.now_));
  vped(12);
  table_.do_(table_.node_.on_charon_synced(table_.now_));
  table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
  table_.pass(milliseconds{20});
  EXPECT_EQ(given().back(), share(12, 1));
}

// An owner's charon has its own.
struct VpeStandby : VpeNodes {};
INSTANTIATE_TEST_SUITE_P(OfAnother, VpeStandby, testing::Values(true));

TEST_P(VpeStandby, ASharesHandedOnAfterTheContextAndNotBefore) {
  vped(11);
  table_.pass(milliseconds{20});
  const OutboundSa child{{kPeer, kSpi}, true, 0, EspSpi{1007}, true};
  const Entry entry{table_.node_.agreement().current()->epoch, Delta{kTunnel, 1, kPeer, {child}, "sealed"}};
  table_.do_(table_.node_.on_ring(kOther.node, {kOther.incarnation, ++table_.number_, entry}, table_.now_));
  table_.pass(milliseconds{20});
  EXPECT_TRUE(given().empty()) << "charon is about to install it";
  table_.do_(table_.node_.on_put(kTunnel, true, table_.now_));
  EXPECT_EQ(given(), std::vector{share(11, 0)});
}

}  // namespace
}  // namespace hasync::hasyncd
