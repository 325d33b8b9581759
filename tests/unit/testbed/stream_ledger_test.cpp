#include "testbed/stream/stream_ledger.h"

#include <gtest/gtest.h>

#include <array>

#include "testbed/stream/stream_packet.h"

namespace hasync::testbed {
namespace {

constexpr std::int64_t kMs = 1'000'000;

TEST(StreamLedger, CountsWhatCameOnceTwiceLateAndNever) {
  StreamLedger ledger(50 * kMs);
  std::int64_t now = 0;
  for (const std::uint64_t counter : {0U, 1U, 4U, 3U, 4U, 7U}) ledger.arrived(counter, now += kMs);
  EXPECT_EQ(ledger.totals(),
            (Totals{.received = 5, .duplicates = 1, .reordered = 1, .lost_so_far = 3, .refused = 0}));
}

TEST(StreamLedger, TellsOfAGapWhenItEnds) {
  StreamLedger ledger(50 * kMs);
  EXPECT_FALSE(ledger.arrived(0, 100 * kMs));
  EXPECT_FALSE(ledger.arrived(1, 150 * kMs));
  const auto gap = ledger.arrived(30, 450 * kMs);
  ASSERT_TRUE(gap);
  EXPECT_EQ(*gap, (Gap{150 * kMs, 450 * kMs, 1, 30}));
  EXPECT_EQ(ledger.longest_gap(), *gap);
  EXPECT_EQ(ledger.gaps().size(), 1U);
}

TEST(StreamLedger, TellsOfSilenceOnceUntilItEnds) {
  StreamLedger ledger(50 * kMs);
  EXPECT_FALSE(ledger.silent_since(1000 * kMs));  // nothing came yet: nothing fell silent
  ledger.arrived(0, 1000 * kMs);
  EXPECT_FALSE(ledger.silent_since(1040 * kMs));
  EXPECT_EQ(ledger.silent_since(1060 * kMs), 1000 * kMs);
  EXPECT_FALSE(ledger.silent_since(1200 * kMs));
  ledger.arrived(1, 1300 * kMs);
  EXPECT_EQ(ledger.silent_since(1400 * kMs), 1300 * kMs);
}

TEST(StreamLedger, ASilenceThatWasToldOfIsAlwaysEnded) {
  StreamLedger ledger(50 * kMs);
  ledger.arrived(0, 1000 * kMs);
  EXPECT_TRUE(ledger.silent_since(1060 * kMs));
  EXPECT_EQ(ledger.arrived(1, 1040 * kMs),
            (Gap{1000 * kMs, 1040 * kMs, 0, 1}));  // it came in time, but was read late
  EXPECT_TRUE(ledger.gaps().empty());
}

TEST(StreamLedger, RefusesNumbersThatWouldCostUnboundedMemory) {
  StreamLedger ledger(50 * kMs);
  ledger.arrived(StreamLedger::kHighestCounter + 1, kMs);
  EXPECT_EQ(ledger.totals().refused, 1U);
  EXPECT_EQ(ledger.totals().received, 0U);
}

TEST(StreamPacket, IsReadAsItWasWritten) {
  std::array<std::uint8_t, kStreamPacketSize> bytes{};
  const StreamPacket packet{7, 0x0102030405060708, 123456789};
  encode(packet, bytes);
  EXPECT_EQ(decode_stream_packet(bytes), packet);
}

TEST(StreamPacket, RefusesWhatIsShortOrForeign) {
  std::array<std::uint8_t, kStreamPacketSize> bytes{};
  EXPECT_FALSE(decode_stream_packet(bytes));
  encode({1, 2, 3}, bytes);
  EXPECT_FALSE(decode_stream_packet(std::span(bytes).first(kStreamPacketSize - 1)));
}

}  // namespace
}  // namespace hasync::testbed
