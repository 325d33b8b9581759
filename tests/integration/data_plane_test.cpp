// The data plane's part of what holds numbers back: SAs that could go past the gate, and the kernel's
// counters. Needs a kernel with ESP (testbed/boot).
#include "hasyncd/data_plane.h"

#include <gmock/gmock.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>

#include <thread>

#include "ctx-transfer/xfrm/xfrm_ae.h"
#include "tests/integration/fence_hosts.h"

namespace hasync::hasyncd {
namespace {

using namespace clusterip::test;
using testing::HasSubstr;

constexpr std::uint16_t kPort = 7000;

class DataPlaneTest : public FenceHosts {
 protected:
  void SetUp() override {
    FenceHosts::SetUp();
    if (!gate_) return;
    know_neighbours();
    make_plane({"wan0"});
    plane_->set_deadline(clusterip::test::now() + 60s);
    const Status held = plane_->hold_addresses();
    ASSERT_TRUE(held) << held.error().what;
    shell("ip xfrm policy add src " + kVip + " dst " + kPeer + " dir out tmpl src " + kVip + " dst " + kPeer +
          " proto esp mode tunnel");
  }

  void make_plane(const std::vector<std::string>& interfaces) {
    Config config;
    config.interfaces = interfaces;
    config.vips = {vip()};
    auto plane = DataPlane::create(config);
    ASSERT_TRUE(plane) << plane.error().what;
    plane_ = *std::move(plane);
  }

  static std::string sa(std::uint32_t spi) {
    return "xfrm state add src " + kVip + " dst " + kPeer + " proto esp spi " + std::to_string(spi) +
           " mode tunnel aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128 ";
  }
  static void add_sa(const std::string& flags) { shell("ip " + sa(kSpi) + flags); }
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

  static constexpr std::uint32_t kSpi = 0xabcd;
  const OutboundKey key_{address(kPeer), EspSpi{kSpi}};
  std::unique_ptr<DataPlane> plane_;
};

TEST_F(DataPlaneTest, AnOrdinarySaPasses) {
  add_sa("");
  open();
  EXPECT_EQ(send_one(), clusterip::Reason::Passed);
  EXPECT_EQ(plane_->take_bypasses(), std::vector<std::string>{});
  EXPECT_EQ(plane_->bypasses(), 0U);
  EXPECT_EQ(plane_->bypassed().count, 0U);
}

TEST_F(DataPlaneTest, OneWhoseNumbersMayWrapStaysClosedAndIsToldOnce) {
  add_sa("extra-flag oseq-may-wrap");
  open();
  EXPECT_EQ(send_one(), clusterip::Reason::AtCeiling);
  const auto told = plane_->take_bypasses();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.front(), to_string(key_) + ": its numbers may begin again (oseq-may-wrap)");
  EXPECT_EQ(plane_->bypassed().count, 1U);
  EXPECT_EQ(plane_->bypassed().first, told.front());
  open();
  EXPECT_EQ(send_one(), clusterip::Reason::AtCeiling);
  EXPECT_EQ(plane_->take_bypasses(), std::vector<std::string>{});
  EXPECT_EQ(plane_->bypasses(), 1U);
  ASSERT_TRUE(plane_->forget_gate({key_}));
  EXPECT_EQ(plane_->bypassed().count, 0U) << "it is gone";
  EXPECT_EQ(plane_->bypasses(), 1U);
}

// As on a standby: the gate is open, but for the fence, before charon has installed the SA.
TEST_F(DataPlaneTest, AnOpenGateIsClosedWhenSuchAnSaIsInstalledBehindIt) {
  open();
  add_sa("extra-flag oseq-may-wrap");
  ASSERT_TRUE(plane_->set_numbers({{key_, 10, false}}));
  EXPECT_EQ(plane_->take_bypasses().size(), 1U);
  EXPECT_EQ(send_one(), clusterip::Reason::AtCeiling);
}

TEST_F(DataPlaneTest, OneThatIsInstalledAnewIsAskedForAgain) {
  add_sa("extra-flag oseq-may-wrap");
  open();
  EXPECT_EQ(send_one(), clusterip::Reason::AtCeiling);
  std::vector<OutboundNumber> numbers{{key_, 1, false}};
  plane_->keep_ahead(numbers);
  shell("ip xfrm state deleteall");
  add_sa("");
  open();
  EXPECT_EQ(send_one(), clusterip::Reason::Passed);
  EXPECT_EQ(plane_->bypassed().count, 0U);
}

TEST_F(DataPlaneTest, OneThatIsNotThereYetIsAskedForLater) {
  open();
  add_sa("extra-flag oseq-may-wrap");
  open();
  EXPECT_EQ(send_one(), clusterip::Reason::AtCeiling);
  EXPECT_EQ(plane_->bypasses(), 1U);
}

// A bond has ESP offload in one of its modes.
TEST_F(DataPlaneTest, EspOffloadThatIsTurnedOnWhileItRunsIsFound) {
  shell("modprobe bonding");
  shell("ip link add bond7 type bond mode balance-rr");
  make_plane({"wan0", "bond7"});
  ASSERT_TRUE(plane_->check_gate());
  shell("ip link set bond7 type bond mode active-backup");
  const Status status = plane_->check_gate();
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().what, HasSubstr("interface bond7: ESP offload is on"));
}

class Numbers : public DataPlaneTest {
 protected:
  void SetUp() override {
    DataPlaneTest::SetUp();
    xfrm_ = Fd(hasync_xfrm_open());
    add_sa("");
  }

  static hasync_xfrm_sa_t kernel_sa(std::uint32_t spi) {
    hasync_xfrm_sa_t sa{};
    sa.family = AF_INET;
    sa.protocol = IPPROTO_ESP;
    sa.spi = spi;
    inet_pton(AF_INET, kPeer.c_str(), sa.destination);
    return sa;
  }

  std::uint64_t counted(std::uint32_t spi = kSpi) const {
    hasync_xfrm_ae_t ae{};
    const hasync_xfrm_sa_t sa = kernel_sa(spi);
    EXPECT_EQ(hasync_xfrm_get(xfrm_.get(), &sa, &ae), 0);
    return ae.outbound;
  }
  std::uint64_t counted_when_set_to(std::uint64_t number) {
    EXPECT_TRUE(plane_->set_numbers({{key_, number, false}}));
    return counted();
  }

  Fd xfrm_;
};

TEST_F(Numbers, AreOnlyRaisedAndByMoreThanMayBeUsedMeanwhile) {
  EXPECT_EQ(counted_when_set_to(5000), 5000U);
  EXPECT_EQ(counted_when_set_to(1000), 5000U);
  EXPECT_EQ(counted_when_set_to(5063), 5000U) << "packets under way may use as many";
  EXPECT_EQ(counted_when_set_to(5064), 5064U);
}

TEST_F(Numbers, AnSaThatIsInstalledAnewBeginsBehindWhatThePresentOneHasCounted) {
  ASSERT_EQ(counted_when_set_to(5000), 5000U);
  std::vector<OutboundNumber> numbers{{key_, 10, false}, {{address(kPeer), EspSpi{0xdead}}, 10, false}};
  plane_->keep_ahead(numbers);
  EXPECT_EQ(numbers[0].used, 5064U);
  EXPECT_EQ(numbers[1].used, 10U) << "there is none";
  numbers[0].used = 6000;
  plane_->keep_ahead(numbers);
  EXPECT_EQ(numbers[0].used, 6000U) << "is ahead already";
}

// An SPI that is only reserved has no counter that could be set.
TEST_F(Numbers, OneThatTheKernelRefusesIsToldAndTheOthersAreSet) {
  const hasync_xfrm_sa_t reserved = kernel_sa(0xabce);
  const std::array<std::uint8_t, 4> source{192, 0, 2, 1};
  ASSERT_EQ(hasync_xfrm_reserve(xfrm_.get(), &reserved, source.data()), 0);
  const OutboundKey refused{address(kPeer), EspSpi{0xabce}};
  const Status status = plane_->set_numbers({{refused, 5000, false}, {key_, 5000, false}});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::System);
  EXPECT_THAT(status.error().what, HasSubstr(to_string(refused)));
  EXPECT_EQ(plane_->number_failures().refused, 1U);
  EXPECT_EQ(plane_->number_failures().vanished, 0U);
  EXPECT_EQ(counted(), 5000U);
}

// What charon does when it moves an SA. The gate drops what the new one counts once more, so it is asked for.
TEST_F(Numbers, ACounterThatFellBackIsSeenAndSetAgain) {
  ASSERT_EQ(counted_when_set_to(90), 90U);
  ASSERT_TRUE(plane_->set_gate({{key_, 91, 300}}));
  (void)plane_->used();  // what was dropped before
  EXPECT_EQ(send_one(), clusterip::Reason::Passed);
  for (const OutboundUse& use : plane_->used()) EXPECT_EQ(use.counted, std::nullopt) << "nothing was dropped";
  shell("ip xfrm state deleteall");
  add_sa("");
  EXPECT_EQ(send_one(), clusterip::Reason::BelowFloor);
  EXPECT_THAT(plane_->used(), testing::Contains(OutboundUse{key_, 91, 0, 1}));
  EXPECT_EQ(counted_when_set_to(91), 91U);
  EXPECT_EQ(send_one(), clusterip::Reason::Passed);
}

// Deletes an SA as soon as the kernel tells that the counter of any was set.
class DeletesAtTheFirst {
 public:
  explicit DeletesAtTheFirst(std::uint32_t spi) : spi_(spi) {
    sockaddr_nl all{};
    all.nl_family = AF_NETLINK;
    all.nl_groups = 1U << (XFRMNLGRP_AEVENTS - 1);
    EXPECT_EQ(bind(told_.get(), reinterpret_cast<const sockaddr*>(&all), sizeof all), 0);
    sched_param at_once{};
    at_once.sched_priority = 1;
    EXPECT_EQ(pthread_setschedparam(thread_.native_handle(), SCHED_FIFO, &at_once), 0);
  }
  ~DeletesAtTheFirst() { thread_.join(); }

 private:
  void run() const {
    EXPECT_TRUE(readable(told_, kFrame));
    struct {
      nlmsghdr header;
      xfrm_usersa_id id;
    } gone{};
    gone.header.nlmsg_len = sizeof gone;
    gone.header.nlmsg_type = XFRM_MSG_DELSA;
    gone.header.nlmsg_flags = NLM_F_REQUEST;
    inet_pton(AF_INET, kPeer.c_str(), &gone.id.daddr);
    gone.id.spi = htonl(spi_);
    gone.id.family = AF_INET;
    gone.id.proto = IPPROTO_ESP;
    EXPECT_EQ(::send(told_.get(), &gone, sizeof gone, 0), static_cast<ssize_t>(sizeof gone));
  }

  std::uint32_t spi_;
  Fd told_{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM)};
  std::thread thread_{[this] { run(); }};
};

TEST_F(Numbers, AnSaThatGoesWhileTheyAreSetIsToldAndTheOthersAreSet) {
  constexpr std::uint32_t kMany = 600;  // several batches
  std::FILE* batch = popen("ip -batch -", "w");
  ASSERT_NE(batch, nullptr);
  std::vector<OutboundNumber> numbers;
  for (std::uint32_t spi = 0x1000; spi < 0x1000 + kMany; ++spi) {
    std::fprintf(batch, "%s\n", sa(spi).c_str());
    numbers.push_back({{address(kPeer), EspSpi{spi}}, 5000, false});
  }
  ASSERT_EQ(pclose(batch), 0);
  const std::uint32_t last = numbers.back().key.spi.value;
  const Status status = [&] {
    const DeletesAtTheFirst deletes(last);
    return plane_->set_numbers(numbers);
  }();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::NotFound);
  EXPECT_THAT(status.error().what, HasSubstr(to_string(numbers.back().key)));
  EXPECT_EQ(plane_->number_failures().vanished, 1U);
  EXPECT_EQ(plane_->number_failures().refused, 0U);
  EXPECT_EQ(counted(last - 1), 5000U);
}

}  // namespace
}  // namespace hasync::hasyncd
