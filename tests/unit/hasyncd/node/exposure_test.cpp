#include "hasyncd/node/exposure.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Process kSelf{NodeId{2}, Incarnation{20}};
constexpr Process kOwner{NodeId{1}, Incarnation{10}};
constexpr Process kThird{NodeId{3}, Incarnation{30}};
constexpr Instant kStart = seconds{100};
constexpr Duration kAhead = seconds{7};  // of the owner's clock
constexpr Duration kSlack = milliseconds{180};

class ExposureTest : public testing::Test {
 protected:
  ExposureTest() { exposure_.begin_empty(kStart); }
  // Heard the moment it was sent, and counted just before.
  void hear(std::uint64_t let_in, Duration after) { hear(let_in, after, after); }
  void hear(std::uint64_t let_in, Duration sent, Duration heard, std::uint64_t peak = 1000) {
    const auto ns = static_cast<std::uint64_t>((kStart + kAhead + sent).count());
    Heartbeat heartbeat{.from = kOwner, .sent_ns = ns, .let_in = let_in, .counted_ns = ns, .peak = peak};
    exposure_.heard(heartbeat, kStart + heard);
  }
  // As the owner, at once.
  void count(std::uint64_t total, Duration after) {
    exposure_.counted({total, kStart + after, kStart + after});
  }
  void cover(std::uint64_t let_in, std::uint64_t open = 0, bool last = false) {
    exposure_.covered(kOwner, {.round = 1, .let_in = let_in, .open = open, .last = last, .tops = {}});
  }
  std::uint64_t bound(Duration after) { return exposure_.bound(kStart + after).value_or(kUnknown); }
  static constexpr std::uint64_t kUnknown = Exposure::kUnknown;

  Exposure exposure_{kSelf, kSlack};
};

TEST_F(ExposureTest, WhereNothingWasLetInNothingIsOpen) {
  EXPECT_EQ(bound(seconds{1000}), 0U);
}

TEST_F(ExposureTest, WhatNobodyHasToldIsNotKnown) {
  exposure_ = Exposure{kSelf, kSlack};
  EXPECT_EQ(bound({}), kUnknown);
  hear(5, {}, {}, 0);
  EXPECT_EQ(bound({}), kUnknown);
  cover(5);
  EXPECT_EQ(bound({}), kUnknown);  // how fast it can go on
  hear(5, {}, {}, 1);
  EXPECT_NE(bound({}), kUnknown);
}

// 1000 packets a second; a reading at 2000 of them, heartbeats up to 2100, and half a second without.
TEST_F(ExposureTest, OpenIsWhatWasCountedSinceTheReadingAndThePeakForTheTimeSince) {
  for (int ms = 0; ms <= 2100; ms += 100) hear(static_cast<std::uint64_t>(ms), milliseconds{ms});
  cover(2000);
  const std::uint64_t open = bound(milliseconds{2600});
  EXPECT_GE(open, 100U + 500 + 180);
  EXPECT_LE(open, 100U + 500 + 180 + 1);
}

TEST_F(ExposureTest, AHeartbeatThatWasLongUnderWayIsAsOldAsItIs) {
  for (int ms = 0; ms <= 2000; ms += 100) hear(static_cast<std::uint64_t>(ms), milliseconds{ms});
  cover(2000);
  hear(2100, milliseconds{2100}, milliseconds{4000});
  EXPECT_GE(bound(milliseconds{4000}), 100U + 1900);
}

TEST_F(ExposureTest, AfterTheLastReadingOfAnOwnerThatHasClosedNothingIsOpen) {
  for (int ms = 0; ms <= 1000; ms += 100) hear(static_cast<std::uint64_t>(ms), milliseconds{ms});
  cover(1000, 0, true);
  EXPECT_EQ(bound(seconds{20}), 0U);
  hear(1010, milliseconds{1200});  // it has opened again
  EXPECT_GE(bound(milliseconds{1200}), 10U);
}

// It had handed over to a node that this one does not hear.
TEST_F(ExposureTest, AnotherOwnerAfterTheLastReadingLetsInWhatItDoesNotCover) {
  hear(100, {});
  cover(100, 0, true);
  exposure_.other_owns(kOwner);
  EXPECT_EQ(bound(seconds{1}), 0U);
  exposure_.other_owns(kThird);
  EXPECT_GE(bound(seconds{1}), 1000U + 180);
}

TEST_F(ExposureTest, WhatWasOpenAtTheOwnerStaysOpen) {
  hear(10, milliseconds{0});
  cover(10, 300);
  EXPECT_GE(bound(milliseconds{0}), 300U);
  cover(10, kUnknown);
  EXPECT_EQ(bound(milliseconds{0}), kUnknown);
}

TEST_F(ExposureTest, AsTheOwnerItIsFixedAndClosedByRekeys) {
  for (int ms = 0; ms <= 1000; ms += 100) hear(static_cast<std::uint64_t>(ms), milliseconds{ms});
  cover(900);
  const std::uint64_t open = bound(milliseconds{1500});
  exposure_.take(kStart + milliseconds{1500});
  count(5000, milliseconds{1900});
  EXPECT_EQ(bound(seconds{60}), open);
  EXPECT_EQ(exposure_.let_in(), 5000U);
  exposure_.close();
  EXPECT_EQ(bound(seconds{60}), 0U);
}

TEST_F(ExposureTest, ItsRateIsTheHighestBetweenTwoCountsThatAreNotTooNear) {
  exposure_.take(kStart);
  count(0, milliseconds{0});
  count(90, milliseconds{20});  // too short a time to tell a rate
  EXPECT_EQ(exposure_.peak(), 0U);
  count(100, milliseconds{100});
  EXPECT_EQ(exposure_.peak(), 1001U);
  count(110, milliseconds{200});
  EXPECT_EQ(exposure_.peak(), 1001U);
}

// They may begin to come behind the owner's last heartbeat, however fast.
TEST_F(ExposureTest, NoPacketsShowNoRate) {
  exposure_.take(kStart);
  count(0, milliseconds{0});
  count(0, milliseconds{100});
  EXPECT_EQ(exposure_.peak(), 0U);
}

// 100 packets a second; the machine stands still for a second between clock and count.
TEST_F(ExposureTest, ACountThatTookLongShowsNoRate) {
  exposure_.take(kStart);
  count(0, milliseconds{0});
  count(10, milliseconds{100});
  exposure_.counted({120, kStart + milliseconds{200}, kStart + milliseconds{1200}});
  count(130, milliseconds{1300});
  EXPECT_EQ(exposure_.peak(), 101U);
  EXPECT_EQ(exposure_.let_in(), 130U);
}

TEST_F(ExposureTest, AReadingFromBeforeTheReignCoversNothingOfIt) {
  count(100, {});
  exposure_.take(kStart);
  count(130, milliseconds{100});
  exposure_.read(90);
  EXPECT_EQ(exposure_.read_at(), 0U);
  exposure_.read(120);
  EXPECT_EQ(exposure_.read_at(), 20U);
}

TEST_F(ExposureTest, WindowsInstalledAnewStandWhereTheyWereReadBeforeTheLastTime) {
  exposure_.take(kStart);
  count(100, milliseconds{100});
  exposure_.read(100);
  count(250, milliseconds{200});
  exposure_.read(250);
  count(300, milliseconds{300});
  exposure_.falls_back();
  exposure_.falls_back();  // another SA at the same moment: the same packets
  EXPECT_GE(bound(milliseconds{320}), 200U + 20) << "and what has come since, at the highest rate";
  EXPECT_EQ(exposure_.open(), kUnknown);
  count(310, milliseconds{310});
  EXPECT_EQ(bound(milliseconds{310}), 210U);
}

TEST_F(ExposureTest, AnOwnerThatGoesOnAfterItsLastReadingHasToldNoLastOne) {
  for (const bool settled_first : {true, false}) {
    exposure_ = Exposure{kSelf, kSlack};
    exposure_.begin_empty(kStart);
    hear(100, milliseconds{100});
    exposure_.hears_whole(kOwner, {.round = 1, .let_in = 100, .last = true, .tops = {}});
    if (settled_first) exposure_.settle();
    hear(150, milliseconds{200});
    exposure_.settle();  // charon has installed all only now
    EXPECT_GE(bound(milliseconds{200}), 50U + 180);
  }
}

TEST_F(ExposureTest, WhatComesWhileWindowsAreInstalledAnewIsInTheOldOnes) {
  exposure_.take(kStart);
  count(100, milliseconds{100});
  exposure_.read(100);
  exposure_.falls_back();
  count(150, milliseconds{200});
  exposure_.read(150);  // of the old windows
  count(180, milliseconds{300});
  EXPECT_EQ(bound(milliseconds{300}), 150U);
  exposure_.fell_back();
  exposure_.fell_back();
  count(200, milliseconds{400});
  EXPECT_EQ(bound(milliseconds{400}), 200U);
  count(250, milliseconds{500});
  EXPECT_EQ(bound(milliseconds{500}), 200U) << "counted once";
}

TEST_F(ExposureTest, AnOwnerAgainThatNobodyHasReplacedLacksWhatItHasNotRead) {
  exposure_.take(kStart);
  count(100, milliseconds{100});
  exposure_.read(100);
  count(130, milliseconds{200});
  exposure_.give_up();
  EXPECT_EQ(bound(seconds{50}), 30U);
  exposure_.other_owns(kThird);
  count(130, seconds{49});                        // its own programs say nothing of that
  EXPECT_GT(bound(seconds{50}), 30U + 49 * 300);  // at the highest rate that it has seen
}

}  // namespace
}  // namespace hasync::hasyncd
