// Links between which the gate cannot stand are refused; made of what the kernel has in any namespace.
#include <poll.h>

#include <cstdlib>

#include "clusterip/adapters/link_facts.h"
#include "tests/unit/clusterip/gate_fixture.h"

namespace hasync::clusterip::test {
namespace {

// Not a GateTest: that loads programs, most of these need none.
class GateLinks : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "links are made by root only";
    ASSERT_EQ(unshare(CLONE_NEWNET), 0) << std::strerror(errno);
    shell("ip link add wan0 type veth peer name wan1");
    shell("ip link add br0 type bridge && ip link set wan1 master br0");
    shell("ip link add link wan0 name mac0 type macvlan");
  }
  static void shell(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

  static Status create(const std::vector<std::string>& interfaces) {
    auto gate = BpfGate::create({.interfaces = interfaces, .vips = {address(kVip)}});
    return gate ? Status{Done{}} : Status{gate.error()};
  }
};

TEST_F(GateLinks, AreReadAsTheyAre) {
  const auto links = read_links({"lo", "wan0", "wan1", "br0", "mac0"});
  ASSERT_TRUE(links) << links.error().what;
  const auto& [lo, wan0, wan1, br0, mac0] =
      std::tie((*links)[0], (*links)[1], (*links)[2], (*links)[3], (*links)[4]);
  for (const LinkFacts& link : *links) {
    EXPECT_GT(link.index, 0) << link.name;
    EXPECT_FALSE(link.esp_offload) << link.name;
  }
  EXPECT_EQ(wan1.master, br0.index);
  EXPECT_EQ(mac0.below, wan0.index);
  for (const LinkFacts& link : {lo, wan0, br0, mac0}) EXPECT_EQ(link.master, 0) << link.name;
  for (const LinkFacts& link : {lo, wan0, wan1, br0}) EXPECT_EQ(link.below, 0) << link.name;
}

TEST_F(GateLinks, AFeatureIsReadByItsName) {
  const auto active = [](const std::string& interface, const std::string& feature) {
    const auto state = feature_active(interface, feature);
    EXPECT_TRUE(state) << state.error().what;
    return state && *state;
  };
  EXPECT_TRUE(active("lo", "loopback"));
  EXPECT_FALSE(active("wan0", "loopback"));
  EXPECT_FALSE(active("lo", "no-such-feature"));
  EXPECT_FALSE(feature_active("wan7", "loopback"));
}

TEST_F(GateLinks, WithTwoThatOnePacketPassesThereIsNoGate) {
  const Status port = create({"wan1", "br0"});
  ASSERT_FALSE(port);
  EXPECT_EQ(port.error().code, Errc::Unsupported);
  const Status below = create({"wan0", "mac0"});
  ASSERT_FALSE(below);
  EXPECT_EQ(below.error().code, Errc::Unsupported);
  const Status apart = create({"wan0", "br0"});
  EXPECT_TRUE(apart) << apart.error().what;
}

TEST_F(GateLinks, OneThatBecomesAPortOfAnotherIsFoundThen) {
  shell("ip link set wan1 nomaster");
  const auto gate = BpfGate::create({.interfaces = {"wan1", "br0"}, .vips = {address(kVip)}});
  ASSERT_TRUE(gate) << gate.error().what;
  (*gate)->drain_watch();
  ASSERT_TRUE((*gate)->check());
  shell("ip link set wan1 master br0");
  pollfd changed{(*gate)->watch_fd(), POLLIN, 0};
  EXPECT_EQ(poll(&changed, 1, 10'000), 1);
  const Status status = (*gate)->check();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Unsupported);
  EXPECT_EQ(status.error().what, "interface wan1: is a port of br0, which is listed, too; list one of them");
}

TEST_F(GateLinks, OneThatIsNotThereIsNamed) {
  const Status status = create({"wan0", "wan7"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::NotFound);
  EXPECT_EQ(status.error().what, "interface wan7: no such interface");
}

}  // namespace
}  // namespace hasync::clusterip::test
