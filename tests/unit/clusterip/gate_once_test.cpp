// Each number leaves once, whoever counts it anew, in whatever order numbers come.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "clusterip/bpf/layout.h"
#include "tests/unit/clusterip/gate_fixture.h"

namespace hasync::clusterip::test {
namespace {

constexpr std::uint64_t kRing = std::uint64_t{HASYNC_BLOCK} * HASYNC_LEFT_BLOCKS;

class GateOnce : public GateTest {
 protected:
  void SetUp() override {
    GateTest::SetUp();
    if (gate_) gate_->set_all_deadlines(now() + 60s);
  }
  static Gso segments(std::uint32_t count) { return {.size = 1000, .segments = count}; }
  void expect_number(std::uint64_t number, Reason reason, Gso gso = {}) {
    expect_out(esp_out(static_cast<std::uint32_t>(number)), reason, gso, testing::Message() << number);
  }
};

// charon reads the SA, deletes it and adds it again: the numbers used in between come once more.
TEST_F(GateOnce, NumbersCountedAnewStayUntilTheyAreNew) {
  open(1, 10000);
  for (std::uint64_t number = 1; number <= 40; ++number) expect_number(number, Reason::Passed);
  for (std::uint64_t number = 30; number <= 40; ++number) expect_number(number, Reason::Repeated);
  expect_number(41, Reason::Passed);
  EXPECT_EQ(gate_->top(sa()), 42U);
}

TEST_F(GateOnce, EspInUdpAndFirstFragmentsAsWell) {
  const auto frame = [](std::uint8_t protocol, std::uint16_t fragment) {
    const Bytes packet = esp(kSpi.value, 5);
    return ipv4_frame({.from = kVip, .to = kPeer, .protocol = protocol, .fragment = fragment, .id = 9},
                      protocol == 17 ? udp(4500, 4500, packet) : packet);
  };
  open(1, 10);
  expect_out(frame(50, 0x2000), Reason::Passed);
  expect_out(frame(50, 5), Reason::Passed);
  expect_out(frame(17, 0), Reason::Repeated);
  expect_out(frame(50, 0x2000), Reason::Repeated);
  expect_out(frame(50, 5), Reason::Fragment);  // the rest of a repeated one stays with it
}

TEST_F(GateOnce, LateOnesLeaveIfTheyAreNotTooLate) {
  open(1, 100000);
  expect_number(1000, Reason::Passed);
  const std::uint64_t oldest = 1000 / HASYNC_BLOCK * HASYNC_BLOCK + HASYNC_BLOCK - kRing;
  for (std::uint64_t number = 999; number >= oldest; --number) expect_number(number, Reason::Passed);
  expect_number(oldest - 1, Reason::Repeated);
  EXPECT_EQ(gate_->top(sa()), 1001U);
}

TEST_F(GateOnce, BuffersOfManySegmentsMayChangePlacesOnly) {
  open(1, 100000);
  expect_number(45, Reason::Passed, segments(44));
  expect_number(1, Reason::Passed, segments(44));
  expect_number(1, Reason::Repeated, segments(44));
  expect_number(88, Reason::Repeated);
  expect_number(80, Reason::Repeated, segments(44));  // overlaps, and is lost
  expect_number(124, Reason::Passed);
  const std::uint32_t most = kRing - HASYNC_BLOCK + 1;
  expect_number(1000, Reason::Malformed, segments(most + 1));
  expect_number(1023, Reason::Passed, segments(most));
  EXPECT_EQ(gate_->top(sa()), 1023 + most);
  expect_number(1023 + most - 1, Reason::Repeated);
}

TEST_F(GateOnce, HoldsAcrossTheEndOfTheLowHalf) {
  const std::uint64_t floor = 0x5ffffff00;
  open(floor, floor + 0x400);
  for (std::uint64_t number = floor; number < floor + 0x400; number += 7) {
    expect_number(number, Reason::Passed);
    expect_number(number, Reason::Repeated);
  }
}

// An SA at rest is raised by each change of owner; what it sends after that is not taken for something old.
TEST_F(GateOnce, AFloorFarAheadForgetsWhatIsBehindIt) {
  std::uint64_t floor = 1;
  open(floor, floor + 1000);
  for (int jump = 0; jump < 12; ++jump) {
    for (std::uint64_t number = floor; number < floor + 2 * kRing; number += 5) {
      expect_number(number, Reason::Passed);
      expect_number(number, Reason::Repeated);
    }
    floor += (std::uint64_t{1} << 30) + 12345 * jump;
    open(floor, floor + 1000);
    expect_number(floor - 1, Reason::BelowFloor);
  }
}

TEST_F(GateOnce, ALongLivedSaNeverMeetsItsOwnPast) {
  open(1, 1000);
  for (std::uint64_t ceiling = 1000, i = 0; i < 16; ++i) {
    ceiling += (std::uint64_t{1} << 30) - 100;
    open(1, ceiling);
    for (std::uint64_t number = ceiling - kRing; number < ceiling; ++number) {
      ASSERT_TRUE(run(true, esp_out(static_cast<std::uint32_t>(number))).value_or(false)) << number;
    }
    expect_number(ceiling - 1, Reason::Repeated);
  }
}

TEST_F(GateOnce, AnotherSaInTheSameSlotStartsAfresh) {
  gate_ = make_gate({.max_sas = 1});
  gate_->set_all_deadlines(now() + 60s);
  const OutboundKey key = sa();
  for (int i = 0; i < 3; ++i) {
    open(1, 100);
    for (std::uint64_t number = 1; number < 100; ++number) expect_number(number, Reason::Passed);
    ASSERT_TRUE(gate_->remove_sas({&key, 1}));
  }
}

// What the words of the ring hold, kept as plain sets of 64-bit numbers.
class Model {
 public:
  Model(std::uint64_t floor, std::uint64_t ceiling) : floor_(floor), ceiling_(ceiling) {}

  bool passes(std::uint64_t number, std::uint32_t count) {
    if (number < floor_ || number + count > ceiling_) return false;
    for (const std::uint64_t end = number + count; number < end;) {
      const std::uint64_t block = number / HASYNC_BLOCK;
      const std::uint64_t stop = std::min(end, (block + 1) * HASYNC_BLOCK);
      auto& newest = newest_[block % HASYNC_LEFT_BLOCKS];
      if (block < newest || taken_.lower_bound(number) != taken_.lower_bound(stop)) return false;
      newest = block;
      while (number < stop) taken_.insert(number++);
    }
    return true;
  }

 private:
  std::uint64_t floor_;
  std::uint64_t ceiling_;
  std::map<std::uint64_t, std::uint64_t> newest_;
  std::set<std::uint64_t> taken_;
};

TEST_F(GateOnce, AgreesWithPlainSets) {
  std::mt19937_64 random(20251125);
  for (int round = 0; round < 20; ++round) {
    const OutboundKey key = sa(EspSpi{static_cast<std::uint32_t>(round) + 1});
    const std::uint64_t floor = 1 + (random() >> (24 + random() % 16));
    const std::uint64_t ceiling = floor + 3000;
    Model model(floor, ceiling);
    std::set<std::uint64_t> left;
    open(floor, ceiling, key);
    std::uint64_t at = floor;
    for (int i = 0; i < 1500; ++i) {
      const std::uint32_t count = random() % 4 == 0 ? 1 + static_cast<std::uint32_t>(random() % 60) : 1;
      const std::uint64_t back = random() % 8 == 0 ? random() % (2 * kRing) : random() % 6;
      const std::uint64_t number = std::max(at + 3, floor + back) - back;
      const bool passed = run(true, esp_out(static_cast<std::uint32_t>(number), key.spi),
                              count == 1 ? Gso{} : segments(count))
                              .value_or(false);
      ASSERT_EQ(passed, model.passes(number, count))
          << "floor " << floor << " number " << number << " x " << count;
      for (std::uint64_t n = number; passed && n < number + count; ++n) {
        ASSERT_TRUE(left.insert(n).second) << n << " has left twice";
      }
      if (passed) at = std::max(at, number + count);
    }
    EXPECT_GT(left.size(), 1000U);
  }
}

// Two processors with the same numbers: each leaves from one of them.
TEST_F(GateOnce, OfTwoAtTheSameMomentOneLeaves) {
  constexpr std::uint32_t kNumbers = 20000;
  open(1, kNumbers + 1);
  std::vector<std::atomic<std::uint32_t>> left(kNumbers + 1);
  std::atomic<std::uint32_t> place[2] = {0, 0};
  const auto send = [&](int self) {
    for (std::uint32_t number = 1; number <= kNumbers; ++number) {
      place[self] = number;
      while (place[1 - self] + 64 < number) std::this_thread::yield();  // side by side
      if (run(true, esp_out(number)).value_or(false)) ++left[number];
    }
  };
  std::thread first(send, 0);
  std::thread second(send, 1);
  first.join();
  second.join();
  for (std::uint32_t number = 1; number <= kNumbers; ++number) ASSERT_EQ(left[number], 1U) << number;
  EXPECT_EQ(count(true)[Reason::Repeated], kNumbers);
}

}  // namespace
}  // namespace hasync::clusterip::test
