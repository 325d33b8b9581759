// The daemon's side of the gate: entries come, change and go; what would repeat a number is refused.
#include <sys/wait.h>

#include <algorithm>
#include <thread>

#include "clusterip/bpf/layout.h"
#include "tests/unit/clusterip/gate_fixture.h"

namespace hasync::clusterip::test {
namespace {

class GateEntries : public GateTest {
 protected:
  void SetUp() override {
    GateTest::SetUp();
    if (gate_) gate_->set_all_deadlines(now() + 60s);
  }
  void close(OutboundKey key = sa()) { gate_->close_sas({&key, 1}); }
};

TEST_F(GateEntries, RaisedCeilingLetsMoreOutAndKeepsTheTop) {
  open(1, 10);
  expect_out(esp_out(9), Reason::Passed);
  expect_out(esp_out(10), Reason::AtCeiling);
  open(1, 20);
  EXPECT_EQ(gate_->top(sa()), 10U);
  expect_out(esp_out(10), Reason::Passed);
  EXPECT_EQ(gate_->top(sa()), 11U);
}

TEST_F(GateEntries, LoweredCeilingHoldsBackAndEmptyRangeHoldsAll) {
  open(1, 100);
  open(1, 10);
  expect_out(esp_out(10), Reason::AtCeiling);
  open(1, 1);
  expect_out(esp_out(1), Reason::AtCeiling);
  open(1, 2);
  expect_out(esp_out(1), Reason::Passed);
}

TEST_F(GateEntries, FloorNeverGoesBack) {
  open(100, 200);
  open(50, 200);
  expect_out(esp_out(99), Reason::BelowFloor);
  expect_out(esp_out(100), Reason::Passed);
  open(50, 60);  // wholly below: closed
  expect_out(esp_out(55), Reason::BelowFloor);
  expect_out(esp_out(101), Reason::AtCeiling);
}

TEST_F(GateEntries, TopFollowsTheFloorOfAStandby) {
  std::uint64_t floor = 1;
  open(floor, floor + 100);
  for (int i = 0; i < 12; ++i) {  // around the 32-bit circle and further, with nothing sent
    floor += 1U << 30;
    open(floor, floor + 100);
    ASSERT_EQ(gate_->top(sa()), floor);
  }
  expect_out(esp_out(static_cast<std::uint32_t>(floor)), Reason::Passed);
  EXPECT_EQ(gate_->top(sa()), floor + 1);
}

TEST_F(GateEntries, FloorFollowsTheCeilingOfALongLivedSa) {
  std::uint64_t ceiling = 1000;
  open(1, ceiling);
  for (int i = 0; i < 12; ++i) {
    ceiling += 1U << 30;
    open(1, ceiling);
    expect_out(esp_out(static_cast<std::uint32_t>(ceiling - 1)), Reason::Passed);
    EXPECT_EQ(gate_->top(sa()), ceiling);
    expect_out(esp_out(static_cast<std::uint32_t>(ceiling)), Reason::AtCeiling);
  }
}

TEST_F(GateEntries, ClosedSaReopensBehindWhatLeft) {
  open(1, 100);
  expect_out(esp_out(50), Reason::Passed);
  close();
  expect_out(esp_out(51), Reason::AtCeiling);
  EXPECT_EQ(gate_->top(sa()), 51U);
  open(1, 100);
  expect_out(esp_out(50), Reason::BelowFloor);
  expect_out(esp_out(51), Reason::Passed);
  close();
  open(200, 300);
  expect_out(esp_out(199), Reason::BelowFloor);
  expect_out(esp_out(200), Reason::Passed);
}

TEST_F(GateEntries, CeilingBelowFloorIsRefusedAndNothingChanges) {
  open(1, 10);
  const std::vector<SaLimits> mixed = {{sa(), 1, 20}, {sa(EspSpi{9}), 10, 9}};
  const auto status = gate_->set_sas(mixed);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Invalid);
  EXPECT_NE(status.error().what.find("00000009"), std::string::npos) << status.error().what;
  expect_out(esp_out(10), Reason::AtCeiling);
}

TEST_F(GateEntries, SaListedTwiceTakesTheLast) {
  const std::vector<SaLimits> twice = {{sa(), 1, 5}, {sa(), 1, 10}};
  ASSERT_TRUE(gate_->set_sas(twice));
  expect_out(esp_out(9), Reason::Passed);
  EXPECT_EQ(gate_->tops(), (std::vector<SaTop>{{sa(), 10, 1}}));
}

TEST_F(GateEntries, MovedIsToldOnceAndSpentForAsLongAsItIs) {
  const std::vector<SaLimits> two = {{sa(), 1, 10}, {sa(EspSpi{9}), 1, 10}};
  ASSERT_TRUE(gate_->set_sas(two));
  EXPECT_EQ(gate_->moved().size(), 2U) << "new";
  EXPECT_EQ(gate_->moved(), std::vector<SaTop>{});
  expect_out(esp_out(4), Reason::Passed);
  EXPECT_EQ(gate_->moved(), (std::vector<SaTop>{{sa(), 5, 1}}));
  EXPECT_EQ(gate_->moved(), std::vector<SaTop>{});
  expect_out(esp_out(9), Reason::Passed);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(gate_->moved(), (std::vector<SaTop>{{sa(), 10, 1}})) << "at its ceiling";
  open(1, 20);
  EXPECT_EQ(gate_->moved(), std::vector<SaTop>{});
  const OutboundKey key = sa();
  ASSERT_TRUE(gate_->remove_sas({&key, 1}));
  EXPECT_EQ(gate_->moved(), std::vector<SaTop>{}) << "gone";
}

TEST_F(GateEntries, RemovedSaIsUnknownAndMayComeBack) {
  open(1, 100);
  expect_out(esp_out(50), Reason::Passed);
  const OutboundKey key = sa();
  ASSERT_TRUE(gate_->remove_sas({&key, 1}));
  ASSERT_TRUE(gate_->remove_sas({&key, 1})) << "twice is not an error";
  expect_out(esp_out(51), Reason::NoEntry);
  EXPECT_EQ(gate_->top(sa()), std::nullopt);
  open(1, 100);  // another SA that was given the same SPI
  expect_out(esp_out(1), Reason::Passed);
}

TEST_F(GateEntries, NoRoomIsSaidAndNothingIsOpened) {
  gate_ = make_gate({.max_sas = 3});
  gate_->set_all_deadlines(now() + 60s);
  std::vector<SaLimits> four;
  for (std::uint32_t spi = 1; spi <= 4; ++spi) four.push_back({sa(EspSpi{spi}), 1, 10});
  EXPECT_EQ(gate_->set_sas(four).error().code, Errc::Busy);
  expect_out(esp_out(1, EspSpi{1}), Reason::NoEntry);
  ASSERT_TRUE(gate_->set_sas(std::span(four).first(3)));
  EXPECT_EQ(gate_->set_sas(std::span(four).last(1)).error().code, Errc::Busy);
  ASSERT_TRUE(gate_->remove_sas({&four[1].key, 1}));
  ASSERT_TRUE(gate_->set_sas(std::span(four).last(1)));
  expect_out(esp_out(1, EspSpi{4}), Reason::Passed);  // in the slot that SPI 2 had
  expect_out(esp_out(1, EspSpi{2}), Reason::NoEntry);
  EXPECT_EQ(gate_->top(sa(EspSpi{4})), 2U);
}

TEST_F(GateEntries, TenThousandSasAreOpenedRaisedReadAndRemoved) {
  std::vector<SaLimits> sas;
  std::vector<SaLimits> higher;
  std::vector<OutboundKey> keys;
  for (std::uint32_t i = 1; i <= 10000; ++i) {
    sas.push_back({sa(EspSpi{i}), i, i + 10});
    higher.push_back({sa(EspSpi{i}), i, i + 20});
    keys.push_back(sa(EspSpi{i}));
  }
  const Deadline start = now();
  const auto status = gate_->set_sas(sas);
  ASSERT_TRUE(status) << status.error().what;
  const Deadline opened = now();
  ASSERT_TRUE(gate_->set_sas(higher));
  const Deadline raised_at = now();
  EXPECT_EQ(gate_->tops().size(), 10000U);
  const Deadline read = now();
  expect_out(esp_out(5019, EspSpi{5000}), Reason::Passed);
  for (const SaTop& top : gate_->tops()) {
    ASSERT_EQ(top.next, top.key.spi.value == 5000 ? 5020 : top.key.spi.value);
  }
  const Deadline removing = now();
  ASSERT_TRUE(gate_->remove_sas(keys));
  const auto us = [](auto span) { return static_cast<int>(span / 1us); };
  RecordProperty("open_us", us(opened - start));
  RecordProperty("raise_us", us(raised_at - opened));
  RecordProperty("tops_us", us(read - raised_at));
  RecordProperty("remove_us", us(now() - removing));
  expect_out(esp_out(5019, EspSpi{5000}), Reason::NoEntry);
}

// Two threads send on one SA while a third raises its ceiling: the top is the highest that passed, exactly.
TEST_F(GateEntries, TopSurvivesConcurrentPacketsAndRaises) {
  constexpr std::uint32_t kPackets = 20000;
  open(1, 2);
  std::atomic<std::uint32_t> next{1};
  std::atomic<std::uint32_t> highest{0};
  const auto send = [&] {
    for (std::uint32_t number = next++; number < kPackets; number = next++) {
      if (!run(true, esp_out(number)).value_or(false)) continue;
      std::uint32_t seen = highest;
      while (seen < number && !highest.compare_exchange_weak(seen, number)) {
      }
    }
  };
  std::thread first(send);
  std::thread second(send);
  while (next < kPackets) {
    open(1, std::min<std::uint64_t>(next + 8, kPackets));
    std::this_thread::yield();
  }
  first.join();
  second.join();
  EXPECT_GT(highest, 0U);
  EXPECT_EQ(gate_->top(sa()), highest + 1);
  EXPECT_EQ(count(true)[Reason::Contended], 0U);
}

TEST_F(GateEntries, ConfigurationErrorsAreNamed) {
  const auto error = [](const BpfGateConfig& config) {
    const auto gate = BpfGate::create(config);
    EXPECT_FALSE(gate);
    return gate ? Error{} : gate.error();
  };
  const std::vector<Address> vips{address(kVip)};
  EXPECT_NE(error({.interfaces = {}, .vips = vips}).what.find("interfaces"), std::string::npos);
  EXPECT_NE(error({.interfaces = {"lo"}, .vips = {}}).what.find("vips"), std::string::npos);
  EXPECT_NE(error({.interfaces = {"lo"}, .vips = vips, .max_sas = 0}).what.find("max_sas"),
            std::string::npos);
  EXPECT_NE(error({.interfaces = {"lo"}, .vips = vips, .natt_port = 500}).what.find("natt_port"),
            std::string::npos);
  const Error missing = error({.interfaces = {"no-such-if"}, .vips = vips});
  EXPECT_NE(missing.what.find("no-such-if"), std::string::npos) << missing.what;
}

TEST_F(GateEntries, WithoutPrivilegeItIsDenied) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (setresuid(65534, 65534, 65534) != 0) _exit(2);
    const auto gate = BpfGate::create({.interfaces = {"lo"}, .vips = {address(kVip)}});
    _exit(!gate && gate.error().code == Errc::Denied ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace hasync::clusterip::test
