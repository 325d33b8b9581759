// What numbers CHILD_SAs are given, in whatever order the log tells of them. Nothing is leased twice under
// one SPI: whoever is the owner, whichever IKE_SA has the CHILD_SA, and under whatever address.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "hasyncd/log/replica.h"

namespace hasync::hasyncd {
namespace {

constexpr Process kOne{NodeId{1}, Incarnation{10}};
constexpr Process kTwo{NodeId{2}, Incarnation{20}};
constexpr std::uint64_t kLease = 100;
constexpr SaId kFirst{1, 1};
constexpr SaId kSuccessor{2, 2};
constexpr SaId kThird{3, 3};

OutboundSa child(std::uint32_t spi, std::uint8_t host = 10, std::uint64_t used = 0) {
  return {{Address::v4(192, 0, 2, host), EspSpi{spi}}, true, used};
}

Install install(std::uint64_t epoch, NodeId reference, bool two_is_needy = false) {
  return {Epoch{epoch}, {{kOne, true, false}, {kTwo, true, two_is_needy}}, reference};
}

class Log {
 public:
  Log() { replica_.install(install(epoch_, kNobody)); }

  Changes say(decltype(Entry::body) body) {
    return replica_.apply(replica_.owner(), ++number_, {Epoch{epoch_}, std::move(body)});
  }
  Changes has(SaId sa, std::vector<OutboundSa> outbound) {
    return say(Delta{sa, ++version_, Address::v4(192, 0, 2, 10), std::move(outbound), "sealed"});
  }
  LeaseState lease(const OutboundSa& of) const { return replica_.leases().at(of.key); }

  Replica replica_{kOne, kLease};
  std::uint64_t epoch_ = 1;
  std::uint64_t number_ = 0;
  std::uint64_t version_ = 0;
};

// The owner has rekeyed an IKE_SA, and died before the end of the old one was in the log.
struct Rekeyed : Log, testing::Test {
  Rekeyed() {
    has(kFirst, {child(7)});
    has(kSuccessor, {child(7)});
    say(Grant{{{child(7).key, 5000, 4000}}});
  }
};

TEST_F(Rekeyed, TheOldCopyGoesOnBehindWhatItsSuccessorHasUsed) {
  const Changes changes = has(kSuccessor, {child(8)});
  EXPECT_EQ(lease(child(7)), (LeaseState{kFirst, 5000, 5000 + kLease, true, 4000}));
  EXPECT_EQ(changes.leased, (std::vector{child(8).key, child(7).key}));
  EXPECT_TRUE(changes.unleased.empty());
  EXPECT_EQ(changes.upserted, (std::vector{kFirst, kSuccessor})) << "charon's copy gets its CHILD_SA back";

  has(kThird, {child(7, 10, 3)});  // and is rekeyed itself
  EXPECT_EQ(lease(child(7)), (LeaseState{kThird, 5000, 5000 + kLease, true, 4000}));
}

TEST_F(Rekeyed, AlsoUnderAnotherAddress) {
  has(kSuccessor, {child(7, 11)});
  const std::uint64_t end = lease(child(7, 11)).end;
  const Changes changes = say(Gone{kSuccessor});
  EXPECT_EQ(lease(child(7)), (LeaseState{kFirst, end, end + kLease, true, 4000}));
  EXPECT_EQ(changes.unleased, std::vector{child(7, 11).key});
}

TEST_F(Rekeyed, AnEndThatCameBeforeItsSuccessorsReportTakesNothingAway) {
  has(kFirst, {child(7)});  // said again, as it was void
  say(Gone{kFirst});
  EXPECT_EQ(lease(child(7)).sa, kSuccessor);
  EXPECT_EQ(lease(child(7)).floor, 5000U);
}

TEST_F(Rekeyed, WhatNobodyNamesAnyMoreIsRememberedForWhoeverNamesItAgain) {
  say(Gone{kFirst});
  const Changes changes = say(Gone{kSuccessor});
  EXPECT_EQ(changes.unleased, std::vector{child(7).key});
  EXPECT_TRUE(replica_.leases().empty());
  EXPECT_EQ(replica_.ended().all(), (std::vector{EndedLease{EspSpi{7}, 5000}}));

  has(kThird, {child(7, 11, 3)});
  EXPECT_EQ(lease(child(7, 11)).floor, 5000U);
}

TEST_F(Rekeyed, ASnapshotTellsWhatHasEnded) {
  say(Gone{kFirst});
  say(Gone{kSuccessor});
  has(kFirst, {child(9)});
  replica_.install(install(2, NodeId{1}, true));
  Replica joiner{kTwo, kLease};
  joiner.install(install(2, NodeId{1}, true));
  const std::vector<Snapshot> parts = replica_.snapshot();
  EXPECT_EQ(parts.size(), 2U);
  for (const Snapshot& part : parts) joiner.take(NodeId{1}, part);
  ASSERT_TRUE(joiner.current());
  EXPECT_EQ(joiner.ended().all(), replica_.ended().all());
}

// A naive memory beside the log: under each SPI, up to where numbers have ever been leased.
class Uniqueness {
 public:
  void judge(const Replica& replica) {
    std::map<OutboundKey, LeaseState> now = replica.leases();
    for (const auto& [key, lease] : now) {
      const auto before = before_.find(key);
      if (before == before_.end() || before->second.floor != lease.floor) {
        EXPECT_GE(lease.floor, used_[key.spi]) << "leased before: " << to_string(key);
      }
      for (const auto& [other, beside] : now) {
        if (other.spi != key.spi || !(key < other)) continue;
        EXPECT_TRUE(lease.end <= beside.floor || beside.end <= lease.floor) << to_string(key);
      }
    }
    for (const auto& [key, lease] : now) used_[key.spi] = std::max(used_[key.spi], lease.end);
    before_ = std::move(now);
  }

 private:
  std::map<OutboundKey, LeaseState> before_;
  std::map<EspSpi, std::uint64_t> used_;
};

// Deltas, ends, grants, moves and takeovers in no order that a charon would know.
class AnyOrder : public Log {
 public:
  explicit AnyOrder(unsigned seed) : engine_(seed) {}

  std::size_t below(std::size_t end) { return engine_() % end; }
  std::vector<OutboundSa> children() {
    std::vector<OutboundSa> out;
    for (std::uint32_t spi = 1; spi <= 3; ++spi) {
      if (below(2) == 0) out.push_back(child(spi, static_cast<std::uint8_t>(10 + below(2)), below(300)));
    }
    return out;
  }
  decltype(Entry::body) body() {
    const SaId sa{1 + below(4), 1};
    switch (below(8)) {
      case 0:
      case 1:
        return Gone{sa};
      case 2: {
        Grant grant;
        for (const auto& [key, lease] : replica_.leases()) {
          if (below(2) == 0 && alone(key.spi)) grant.leases.push_back({key, lease.end + below(200)});
        }
        return grant;
      }
      case 3:
        return Move{NodeId{replica_.owner() == kOne ? 2U : 1U}};
      default:
        return Delta{sa, ++version_, Address::v4(192, 0, 2, 10), children(), "sealed"};
    }
  }
  // A lease is extended only up to the next one of its SPI: here, if there is none.
  bool alone(EspSpi spi) const {
    return std::ranges::count(replica_.leases(), spi, [](const auto& l) { return l.first.spi; }) == 1;
  }

 private:
  std::mt19937 engine_;
};

TEST(ReplicaNumbers, AreNeverLeasedTwiceWhateverTheOrder) {
  for (unsigned seed = 1; seed <= 200 && !testing::Test::HasFailure(); ++seed) {
    AnyOrder log(seed);
    Uniqueness unique;
    for (int step = 0; step < 100 && !testing::Test::HasFailure(); ++step) {
      log.say(log.body());
      unique.judge(log.replica_);
    }
  }
}

TEST(ReplicaNumbers, AreTheSameAtAMemberThatCameLater) {
  for (unsigned seed = 1; seed <= 200 && !testing::Test::HasFailure(); ++seed) {
    AnyOrder log(seed);
    for (int step = 0; step < 50; ++step) log.say(log.body());
    log.replica_.install(install(2, NodeId{1}, true));
    log.epoch_ = 2;
    Replica joiner{kTwo, kLease};
    joiner.install(install(2, NodeId{1}, true));
    for (const Snapshot& part : log.replica_.snapshot()) joiner.take(NodeId{1}, part);
    for (int step = 0; step < 50; ++step) {
      const Entry entry{Epoch{2}, log.body()};
      const Process owner = log.replica_.owner();
      log.replica_.apply(owner, ++log.number_, entry);
      joiner.apply(owner, log.number_, entry);
      EXPECT_EQ(joiner.ended().all(), log.replica_.ended().all()) << seed;
      ASSERT_EQ(joiner.leases().size(), log.replica_.leases().size()) << seed;
      for (const auto& [key, lease] : log.replica_.leases()) {
        EXPECT_EQ(joiner.leases().at(key).end, lease.end) << seed << ' ' << to_string(key);
        EXPECT_EQ(joiner.leases().at(key).sa, lease.sa) << seed;
      }
    }
  }
}

}  // namespace
}  // namespace hasync::hasyncd
