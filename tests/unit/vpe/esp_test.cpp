#include "vpe/esp.h"

#include <gtest/gtest.h>

#include "tests/support/vpe_packets.h"

namespace hasync::vpe {
namespace {

constexpr EspSpi kSpi{0xc0ffee02};
constexpr Salt kSalt{1, 2, 3, 4};
constexpr std::uint64_t k2To32 = std::uint64_t{1} << 32;

std::unique_ptr<Gcm> gcm() {
  return test::gcm("auto", test::key(16));
}

class Esp : public testing::Test {
 protected:
  std::shared_ptr<EspNumbers> numbers_ = std::make_shared<EspNumbers>();  // so that a test can set it
  std::shared_ptr<EspWindow> window_ = std::make_shared<EspWindow>(64);
  EspSender sender_{gcm(), {kSpi, kSalt}, numbers_};
  EspReceiver receiver_{gcm(), {kSpi, kSalt}, window_};
  Drop arrives(Bytes wire) { return test::open(receiver_, std::move(wire)).drop; }
};

TEST_F(Esp, EverySizeOpensAgainAlignedAsTheRfcWants) {
  for (std::size_t size = 40; size < 110; ++size) {
    for (const Bytes& inner : {test::ipv4(size), test::ipv6(size)}) {
      const Bytes wire = test::seal(sender_, inner);
      ASSERT_EQ((wire.size() - kEspHeaderSize - kEspIcvSize) % 4, 0U);
      ASSERT_LE(wire.size(), kEspHeaderSize + size + kEspRoom);
      const auto opened = test::open(receiver_, wire);
      ASSERT_EQ(opened.drop, Drop::None) << size;
      ASSERT_EQ(opened.inner, inner);
    }
  }
}

TEST_F(Esp, FromOneBufferToAnotherIsTheSameOnTheWire) {
  EspSender other{gcm(), {kSpi, kSalt}};
  for (std::size_t size = 40; size < 48; ++size) {
    const Bytes inner = test::ipv4(size);
    Bytes wire(kEspHeaderSize + size + kEspRoom);
    const Piece piece{inner.data(), wire.data() + kEspHeaderSize, size};
    Packet packet{.header = wire.data(), .pieces = {&piece, 1}};
    ASSERT_EQ(other.seal({&packet, 1}), 1U);
    wire.resize(packet.size);
    ASSERT_EQ(wire, test::seal(sender_, inner));
  }
}

TEST_F(Esp, EveryFlippedBitIsNoticed) {
  const Bytes wire = test::seal(sender_, test::ipv4(60));
  for (std::size_t bit = 0; bit < wire.size() * 8; ++bit) {
    Bytes altered = wire;
    altered[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    ASSERT_NE(arrives(altered), Drop::None) << bit;
  }
  EXPECT_EQ(window_->window.top(), 0U);
  EXPECT_EQ(arrives(wire), Drop::None);
}

TEST_F(Esp, EveryTruncationIsNoticed) {
  const Bytes wire = test::seal(sender_, test::ipv4(60));
  for (std::size_t size = 0; size < wire.size(); ++size)
    ASSERT_NE(arrives(Bytes(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(size))), Drop::None);
  EXPECT_EQ(arrives(Bytes(kLargestPacket + 1)), Drop::Oversized);
}

TEST_F(Esp, ReplayedAndLatePacketsAreRefusedAlsoWithinABatch) {
  std::vector<Bytes> wires;
  for (int i = 0; i < 100; ++i) wires.push_back(test::seal(sender_, test::ipv4(60)));
  EXPECT_EQ(arrives(wires[99]), Drop::None);
  EXPECT_EQ(arrives(wires[99]), Drop::Replayed);
  EXPECT_EQ(arrives(wires[36]), Drop::None);
  // number 36 is not in the window any more, so its high half is taken to be the next one
  EXPECT_EQ(arrives(wires[35]), Drop::Forged);
  Bytes once = wires[50], twice = wires[50];
  std::array<Packet, 2> batch;
  std::array<Piece, 2> pieces;
  lay_out_esp(once, batch[0], pieces[0]);
  lay_out_esp(twice, batch[1], pieces[1]);
  EXPECT_EQ(receiver_.open(batch), 1U);
  EXPECT_EQ(batch[1].drop, Drop::Replayed);
}

TEST_F(Esp, TheHighHalfIsInferredAcrossTheBoundary) {
  numbers_->last = k2To32 - 20;
  window_->window.take(k2To32 - 21);
  std::vector<Bytes> wires;
  for (int i = 0; i < 40; ++i) wires.push_back(test::seal(sender_, test::ipv4(60)));
  for (const std::size_t i : {0U, 25U, 5U, 30U, 18U, 19U, 20U, 39U})
    EXPECT_EQ(arrives(wires[i]), Drop::None) << i;
  EXPECT_EQ(arrives(wires[5]), Drop::Replayed);
  EXPECT_EQ(window_->window.top(), k2To32 + 20);
}

// RFC 4303, appendix A2.2, with W = 64.
TEST(EspNumber, IsInferredAsTheRfcSays) {
  const std::uint64_t top = 5 * k2To32 + 1000;  // case A: the window lies within one subspace
  EXPECT_EQ(infer_number(1000, top, 64), top);
  EXPECT_EQ(infer_number(937, top, 64), 5 * k2To32 + 937);
  EXPECT_EQ(infer_number(936, top, 64), 6 * k2To32 + 936);
  EXPECT_EQ(infer_number(0xffffffff, top, 64), 5 * k2To32 + 0xffffffff);
  const std::uint64_t low_top = 5 * k2To32 + 10;  // case B: it spans two
  EXPECT_EQ(infer_number(10, low_top, 64), low_top);
  EXPECT_EQ(infer_number(11, low_top, 64), low_top + 1);
  EXPECT_EQ(infer_number(0xffffffff, low_top, 64), 4 * k2To32 + 0xffffffff);
  EXPECT_EQ(infer_number(0xffffffff - 52, low_top, 64), 4 * k2To32 + 0xffffffff - 52);
  EXPECT_EQ(infer_number(0xffffffff - 53, low_top, 64), 5 * k2To32 + 0xffffffff - 53);
}

TEST_F(Esp, AtTheEndOfTheNumbersNothingIsSentAndNothingWraps) {
  numbers_->last = kEspLastNumber - 1;
  EXPECT_EQ(test::try_seal(sender_, test::ipv4(60)).drop, Drop::None);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(test::try_seal(sender_, test::ipv4(60)).drop, Drop::NumbersSpent);
  EXPECT_EQ(numbers_->last, kEspLastNumber);
}

TEST_F(Esp, SizesThatCannotBeSentAreRefused) {
  EXPECT_EQ(test::try_seal(sender_, Bytes(19, 0x45)).drop, Drop::Truncated);
  EXPECT_EQ(test::try_seal(sender_, Bytes(65535, 0x45)).drop, Drop::Oversized);
  Packet nothing;
  EXPECT_EQ(sender_.seal({&nothing, 1}), 0U);
  EXPECT_EQ(nothing.drop, Drop::Truncated);
  Packet none_arrived;
  EXPECT_EQ(receiver_.open({&none_arrived, 1}), 0U);
  EXPECT_EQ(none_arrived.drop, Drop::Truncated);
}

// Slides, "QoS": with one window, priority traffic pushes the rest out of it.
TEST_F(Esp, PriorityTrafficPushesTheRestOutOfTheOneWindow) {
  const Bytes waiting = test::seal(sender_, test::ipv4(60));
  for (int i = 0; i < 64; ++i) arrives(test::seal(sender_, test::ipv4(60)));
  EXPECT_NE(arrives(waiting), Drop::None);
}

}  // namespace
}  // namespace hasync::vpe
