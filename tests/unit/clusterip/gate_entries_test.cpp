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
  Status reopen(std::uint64_t floor, std::uint64_t ceiling) {
    const SaLimits limits{sa(), {floor, ceiling}};
    return gate_->open_sas({&limits, 1});
  }
  Status raise(std::uint64_t ceiling, SaKey key = sa()) {
    const SaCeiling to{key, ceiling};
    return gate_->raise_ceilings({&to, 1});
  }
  void close(SaKey key = sa()) { gate_->close_sas({&key, 1}); }
};

TEST_F(GateEntries, RaisedCeilingLetsMoreOutAndKeepsTheTop) {
  open(1, 10);
  expect_out(esp_out(9), Reason::Passed);
  expect_out(esp_out(10), Reason::AtCeiling);
  ASSERT_TRUE(raise(20));
  EXPECT_EQ(gate_->top(sa()), 10U);
  expect_out(esp_out(10), Reason::Passed);
  EXPECT_EQ(gate_->top(sa()), 11U);
}

TEST_F(GateEntries, EmptyRangeIsClosedUntilRaised) {
  open(1, 1);
  expect_out(esp_out(1), Reason::AtCeiling);
  ASSERT_TRUE(raise(2));
  expect_out(esp_out(1), Reason::Passed);
}

TEST_F(GateEntries, RaiseRefusesToGoBackOrTooFarAndChangesNothing) {
  open(1, 100);
  EXPECT_EQ(raise(99).error().code, Errc::Invalid);
  EXPECT_EQ(raise(100 + kMaxRaise + 1).error().code, Errc::Invalid);
  EXPECT_EQ(raise(200, sa(EspSpi{9})).error().code, Errc::NotFound);
  const std::vector<SaCeiling> mixed = {{sa(), 200}, {sa(EspSpi{9}), 200}};
  EXPECT_FALSE(gate_->raise_ceilings(mixed));
  expect_out(esp_out(100), Reason::AtCeiling);
}

TEST_F(GateEntries, FloorFollowsALongLivedSa) {
  std::uint64_t ceiling = 1000;
  open(1, ceiling);
  for (int i = 0; i < 12; ++i) {
    ceiling += kMaxRaise;
    ASSERT_TRUE(raise(ceiling));
    expect_out(esp_out(static_cast<std::uint32_t>(ceiling - 1)), Reason::Passed);
    EXPECT_EQ(gate_->top(sa()), ceiling);
    expect_out(esp_out(static_cast<std::uint32_t>(ceiling)), Reason::AtCeiling);
  }
}

TEST_F(GateEntries, ClosedSaStaysClosedUntilItIsOpened) {
  open(1, 100);
  expect_out(esp_out(50), Reason::Passed);
  close();
  expect_out(esp_out(51), Reason::AtCeiling);
  EXPECT_EQ(gate_->top(sa()), 51U);
  ASSERT_TRUE(raise(200));  // a lease that became stable meanwhile
  expect_out(esp_out(51), Reason::AtCeiling);
  ASSERT_TRUE(reopen(200, 300));
  expect_out(esp_out(199), Reason::BelowFloor);
  expect_out(esp_out(200), Reason::Passed);
}

TEST_F(GateEntries, ReopeningBelowWhatLeftIsRefused) {
  open(1, 100);
  expect_out(esp_out(50), Reason::Passed);
  EXPECT_EQ(reopen(50, 200).error().code, Errc::Invalid);
  ASSERT_TRUE(reopen(1, 100)) << "the same again is not a change";
  close();
  EXPECT_EQ(reopen(1, 100).error().code, Errc::Invalid);
  ASSERT_TRUE(reopen(51, 100));
  expect_out(esp_out(50), Reason::BelowFloor);
  expect_out(esp_out(51), Reason::Passed);
}

TEST_F(GateEntries, LimitsThatMakeNoSenseAreRefused) {
  EXPECT_EQ(reopen(10, 9).error().code, Errc::Invalid);
  EXPECT_EQ(reopen(1, 2 + kMaxWidth).error().code, Errc::Invalid);
  const std::vector<SaLimits> twice = {{sa(), {1, 2}}, {sa(), {1, 3}}};
  EXPECT_EQ(gate_->open_sas(twice).error().code, Errc::Invalid);
  expect_out(esp_out(1), Reason::NoEntry);
}

TEST_F(GateEntries, RemovedSaIsUnknownAndMayComeBack) {
  open(1, 100);
  expect_out(esp_out(50), Reason::Passed);
  const SaKey key = sa();
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
  for (std::uint32_t spi = 1; spi <= 4; ++spi) four.push_back({sa(EspSpi{spi}), {1, 10}});
  EXPECT_EQ(gate_->open_sas(four).error().code, Errc::Busy);
  expect_out(esp_out(1, EspSpi{1}), Reason::NoEntry);
  ASSERT_TRUE(gate_->open_sas(std::span(four).first(3)));
  EXPECT_EQ(gate_->open_sas(std::span(four).last(1)).error().code, Errc::Busy);
  ASSERT_TRUE(gate_->remove_sas({&four[1].sa, 1}));
  ASSERT_TRUE(gate_->open_sas(std::span(four).last(1)));
  expect_out(esp_out(1, EspSpi{4}), Reason::Passed);  // in the slot that SPI 2 had
  expect_out(esp_out(1, EspSpi{2}), Reason::NoEntry);
  EXPECT_EQ(gate_->top(sa(EspSpi{4})), 2U);
}

TEST_F(GateEntries, TenThousandSasAreOpenedRaisedReadAndRemoved) {
  std::vector<SaLimits> sas;
  std::vector<SaCeiling> ceilings;
  std::vector<SaKey> keys;
  for (std::uint32_t i = 1; i <= 10000; ++i) {
    sas.push_back({sa(EspSpi{i}), {i, i + 10}});
    ceilings.push_back({sa(EspSpi{i}), i + 20});
    keys.push_back(sa(EspSpi{i}));
  }
  const Deadline start = now();
  const auto status = gate_->open_sas(sas);
  ASSERT_TRUE(status) << status.error().what;
  const Deadline opened = now();
  ASSERT_TRUE(gate_->raise_ceilings(ceilings));
  const Deadline raised_at = now();
  EXPECT_EQ(gate_->tops().size(), 10000U);
  const Deadline read = now();
  expect_out(esp_out(5019, EspSpi{5000}), Reason::Passed);
  for (const SaTop& top : gate_->tops()) {
    ASSERT_EQ(top.next, top.sa.spi.value == 5000 ? 5020 : top.sa.spi.value);
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
  for (std::uint64_t ceiling = 2; next < kPackets; ceiling = std::min<std::uint64_t>(next + 8, kPackets)) {
    const auto status = raise(std::max<std::uint64_t>(ceiling, 2));
    ASSERT_TRUE(status) << status.error().what;
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
