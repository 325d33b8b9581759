// What an attacker, a broken peer or the end of the numbers can do: counted by cause, and nothing changed.
#include <gtest/gtest.h>

#include <random>

#include "tests/support/vpe_packets.h"

namespace hasync::vpe {
namespace {

constexpr EspSpi kSpi{0xc0ffee01};

class Hostile : public testing::Test {
 protected:
  static std::unique_ptr<Gcm> gcm() { return test::gcm("auto", test::key(32)); }
  std::unique_ptr<Sender> sender_ = test::sender(gcm(), {.spi = kSpi});
  std::unique_ptr<Receiver> receiver_ =
      test::receiver(gcm(), {.spi = kSpi, .window_bits = 64, .most_windows = 4});

  Drop arrives(Bytes wire) { return test::open(*receiver_, std::move(wire)).drop; }
  std::uint64_t counted(Drop cause) { return receiver_->counters().dropped(cause); }
};

TEST_F(Hostile, EveryFlippedBitIsNoticedAndLeavesNoTrace) {
  const Bytes wire = test::seal(*sender_, test::ipv4(60));
  for (std::size_t bit = 0; bit < wire.size() * 8; ++bit) {
    Bytes altered = wire;
    altered[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    const Drop wanted = bit < 32 ? Drop::ForeignSpi : bit < 48 ? Drop::ForeignSender : Drop::Forged;
    // number 1 with its one bit gone is number 0, which nobody sends
    ASSERT_EQ(arrives(altered), bit / 8 == 15 && bit % 8 == 0 ? Drop::Late : wanted) << bit;
    ASSERT_TRUE(receiver_->windows().empty());
  }
  EXPECT_EQ(arrives(wire), Drop::None);
}

TEST_F(Hostile, EveryTruncationIsNoticed) {
  const Bytes wire = test::seal(*sender_, test::ipv4(200));
  for (std::size_t size = 0; size < wire.size(); ++size) {
    const Drop wanted = size < kHeaderSize + kSmallestPayload ? Drop::Truncated : Drop::Forged;
    ASSERT_EQ(arrives(Bytes(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(size))), wanted) << size;
  }
  EXPECT_EQ(counted(Drop::Truncated), kHeaderSize + kSmallestPayload);
}

TEST_F(Hostile, OversizedPacketsAreNotLookedAt) {
  EXPECT_EQ(arrives(Bytes(kLargestPacket + 1, 0x45)), Drop::Oversized);
  // in pieces, without lay_out()
  Bytes header(kHeaderSize), half(kLargestPayload / 2 + 1);
  const std::array<Piece, 2> pieces{
      {{half.data(), half.data(), half.size()}, {half.data(), half.data(), half.size()}}};
  Packet packet{.header = header.data(), .pieces = pieces};
  EXPECT_EQ(receiver_->open({&packet, 1}), 0U);
  EXPECT_EQ(packet.drop, Drop::Oversized);
  Packet nothing{.header = header.data()};
  EXPECT_EQ(receiver_->open({&nothing, 1}), 0U);
  EXPECT_EQ(nothing.drop, Drop::Truncated);
}

TEST_F(Hostile, ReplayedAndLatePacketsAreToldApart) {
  std::vector<Bytes> wires;
  for (int i = 0; i < 100; ++i) wires.push_back(test::seal(*sender_, test::ipv4(60)));
  EXPECT_EQ(arrives(wires[99]), Drop::None);
  EXPECT_EQ(arrives(wires[99]), Drop::Replayed);
  EXPECT_EQ(arrives(wires[36]), Drop::None) << "the window's last";
  EXPECT_EQ(arrives(wires[36]), Drop::Replayed);
  EXPECT_EQ(arrives(wires[35]), Drop::Late);
}

TEST_F(Hostile, InventedWindowsGetNoState) {
  Bytes wire = test::seal(*sender_, test::ipv4(60));
  for (std::uint32_t window = 0; window < 65536; ++window) {
    wire[6] = static_cast<std::uint8_t>(window >> 8);
    wire[7] = static_cast<std::uint8_t>(window);
    if (window == 0) continue;
    ASSERT_EQ(arrives(wire), Drop::Forged);
  }
  EXPECT_TRUE(receiver_->windows().empty());
  EXPECT_EQ(counted(Drop::Forged), 65535U);
}

TEST_F(Hostile, APeerWithTooManyWindowsLosesTheNewOnesOnly) {
  for (std::uint8_t core = 0; core < 6; ++core) {
    const auto out = test::sender(gcm(), {.spi = kSpi, .place = {.core = core}});
    const Bytes wire = test::seal(*out, test::ipv4(60));
    EXPECT_EQ(arrives(wire), core < 4 ? Drop::None : Drop::NoRoom);
    EXPECT_EQ(arrives(wire), core < 4 ? Drop::Replayed : Drop::NoRoom) << "never taken, so never a replay";
  }
  EXPECT_EQ(receiver_->windows().size(), 4U);
  EXPECT_EQ(receiver_->resume({kUnicast, WindowId{9999}}, 5).error().code, Errc::Busy);
}

TEST_F(Hostile, PacketsThatAreNotIpAreNeitherSealedNorPassedOn) {
  Bytes odd = test::ipv4(60);
  odd[0] = 0x25;
  EXPECT_EQ(test::try_seal(*sender_, odd).drop, Drop::NotIp);
  EXPECT_EQ(sender_->next_number(0), 1U) << "no number was used";
  // an authentic one: sealed by hand
  Bytes wire(kHeaderSize + odd.size());
  encode({kSpi, {kUnicast, WindowId{0}}, 1}, std::span<std::uint8_t, kIcvAt>(wire.data(), kIcvAt));
  const Piece piece{odd.data(), wire.data() + kHeaderSize, odd.size()};
  gcm()->seal(wire.data() + kIvAt, {}, {&piece, 1}, wire.data() + kIcvAt);
  EXPECT_EQ(arrives(wire), Drop::NotIp);
  EXPECT_EQ(arrives(wire), Drop::Replayed) << "it was authentic, so its number is taken";
}

TEST_F(Hostile, SizesThatCannotBeSentAreRefused) {
  EXPECT_EQ(test::try_seal(*sender_, Bytes(19, 0x45)).drop, Drop::Truncated);
  EXPECT_EQ(test::try_seal(*sender_, Bytes(kLargestPayload + 1, 0x45)).drop, Drop::Oversized);
  EXPECT_EQ(sender_->counters().dropped(Drop::Truncated), 1U);
  EXPECT_EQ(sender_->counters().packets, 0U);
}

TEST_F(Hostile, TheLastNumberIsSentAndThenNothingOfThatClass) {
  const auto out = test::sender(gcm(), {.spi = kSpi, .first_number = kLastNumber});
  EXPECT_EQ(arrives(test::seal(*out, test::ipv4(60))), Drop::None);
  EXPECT_EQ(out->next_number(0), 0U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(test::try_seal(*out, test::ipv4(60)).drop, Drop::NumbersSpent);
  EXPECT_EQ(out->counters().dropped(Drop::NumbersSpent), 3U);
  EXPECT_EQ(arrives(test::seal(*out, test::ipv4(60), 1)), Drop::None) << "other classes count for themselves";
  ASSERT_TRUE(out->move_to(1));
  EXPECT_EQ(arrives(test::seal(*out, test::ipv4(60))), Drop::None);
}

TEST_F(Hostile, NoiseIsRefused) {
  std::mt19937 random(3);
  for (int i = 0; i < 20000; ++i) {
    Bytes wire(random() % 200);
    for (auto& byte : wire) byte = static_cast<std::uint8_t>(random());
    ASSERT_NE(arrives(wire), Drop::None);
  }
  EXPECT_TRUE(receiver_->windows().empty());
}

}  // namespace
}  // namespace hasync::vpe
