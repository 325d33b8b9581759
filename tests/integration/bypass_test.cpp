// A kernel SA whose packets could go past the gate: the gate stays closed, and it is told. Needs a kernel
// with ESP (testbed/boot).
#include "hasyncd/data_plane.h"
#include "tests/integration/fence_hosts.h"

namespace hasync::hasyncd {
namespace {

using namespace clusterip::test;

constexpr std::uint16_t kPort = 7000;

class Bypass : public FenceHosts {
 protected:
  void SetUp() override {
    FenceHosts::SetUp();
    if (!gate_) return;
    know_neighbours();
    Config config;
    config.interfaces = {"wan0"};
    config.vips = {vip()};
    auto plane = DataPlane::create(config);
    ASSERT_TRUE(plane) << plane.error().what;
    plane_ = *std::move(plane);
    plane_->set_deadline(clusterip::test::now() + 60s);
    const Status held = plane_->hold_addresses();
    ASSERT_TRUE(held) << held.error().what;
    shell("ip xfrm policy add src " + kVip + " dst " + kPeer + " dir out tmpl src " + kVip + " dst " + kPeer +
          " proto esp mode tunnel");
  }

  static void add_sa(const std::string& flags) {
    shell("ip xfrm state add src " + kVip + " dst " + kPeer +
          " proto esp spi 0xabcd mode tunnel aead 'rfc4106(gcm(aes))'"
          " 0x000102030405060708090a0b0c0d0e0f10111213 128 " +
          flags);
  }
  void open() { ASSERT_TRUE(plane_->set_gate({{key_, 1, 100}})); }

  // What became of a packet, by the gate's counters.
  clusterip::Reason send_one() const {
    const auto before = plane_->counters()->egress;
    const Fd here = udp_socket(kVip, kPort);
    EXPECT_TRUE(send(here, kPeer, kPort, clusterip::test::Bytes(100, 1)) || errno == ENOBUFS);
    const auto after = plane_->counters()->egress;
    for (std::size_t i = 0; i < clusterip::kReasons; ++i) {
      if (after.by_reason.at(i) != before.by_reason.at(i)) return static_cast<clusterip::Reason>(i);
    }
    ADD_FAILURE() << "no packet came to the gate";
    return clusterip::Reason::Malformed;
  }

  const OutboundKey key_{address(kPeer), EspSpi{0xabcd}};
  std::unique_ptr<DataPlane> plane_;
};

TEST_F(Bypass, AnOrdinarySaPasses) {
  add_sa("");
  open();
  EXPECT_EQ(send_one(), clusterip::Reason::Passed);
  EXPECT_EQ(plane_->take_bypasses(), std::vector<std::string>{});
  EXPECT_EQ(plane_->bypasses(), 0U);
}

TEST_F(Bypass, OneWhoseNumbersMayWrapStaysClosedAndIsToldOnce) {
  add_sa("extra-flag oseq-may-wrap");
  open();
  EXPECT_EQ(send_one(), clusterip::Reason::AtCeiling);
  const auto told = plane_->take_bypasses();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.front(), to_string(key_) + ": its numbers may begin again (oseq-may-wrap)");
  open();
  EXPECT_EQ(send_one(), clusterip::Reason::AtCeiling);
  EXPECT_EQ(plane_->take_bypasses(), std::vector<std::string>{});
  EXPECT_EQ(plane_->bypasses(), 1U);
}

// As on a standby: the gate is open, but for the fence, before charon has installed the SA.
TEST_F(Bypass, AnOpenGateIsClosedWhenSuchAnSaIsInstalledBehindIt) {
  open();
  add_sa("extra-flag oseq-may-wrap");
  ASSERT_TRUE(plane_->set_numbers({{key_, 10, false}}));
  EXPECT_EQ(plane_->take_bypasses().size(), 1U);
  EXPECT_EQ(send_one(), clusterip::Reason::AtCeiling);
}

TEST_F(Bypass, OneThatIsInstalledAnewIsAskedForAgain) {
  add_sa("extra-flag oseq-may-wrap");
  open();
  EXPECT_EQ(send_one(), clusterip::Reason::AtCeiling);
  std::vector<OutboundNumber> numbers{{key_, 1, false}};
  plane_->keep_ahead(numbers);
  shell("ip xfrm state deleteall");
  add_sa("");
  open();
  EXPECT_EQ(send_one(), clusterip::Reason::Passed);
}

TEST_F(Bypass, OneThatIsNotThereYetIsAskedForLater) {
  open();
  add_sa("extra-flag oseq-may-wrap");
  open();
  EXPECT_EQ(send_one(), clusterip::Reason::AtCeiling);
  EXPECT_EQ(plane_->bypasses(), 1U);
}

}  // namespace
}  // namespace hasync::hasyncd
