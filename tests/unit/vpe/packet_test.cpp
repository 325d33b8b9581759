#include "vpe/packet.h"

#include <gtest/gtest.h>

#include <array>

namespace hasync::vpe {
namespace {

constexpr Header kHeader{EspSpi{0x01020304}, {SenderId{0x0506}, WindowId{0x0708}}, 0x090a0b0c0d0e0f10};

TEST(VpePacket, FieldsStandInOrderAndBigEndian) {
  std::array<std::uint8_t, kIcvAt> bytes{};
  encode(kHeader, bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) EXPECT_EQ(bytes[i], i + 1);
  EXPECT_EQ(decode(bytes), kHeader);
}

TEST(VpePacket, IvIsTwelveBytesInPlaceAndTheIcvIsAligned) {
  EXPECT_EQ(kIvAt + kIvSize, kIcvAt);
  EXPECT_EQ(kIcvAt % 16, 0U);
  EXPECT_EQ(kHeaderSize % 16, 0U);
}

TEST(VpePacket, IsBoundedFromBothSides) {
  Bytes packet(kLargestPacket + 1, 1);
  const BytesView all = packet;
  EXPECT_FALSE(decode_packet({}));
  EXPECT_FALSE(decode_packet(all.first(kHeaderSize)));
  EXPECT_FALSE(decode_packet(all.first(kHeaderSize + kSmallestPayload - 1)));
  EXPECT_TRUE(decode_packet(all.first(kHeaderSize + kSmallestPayload)));
  EXPECT_TRUE(decode_packet(all.first(kLargestPacket)));
  EXPECT_FALSE(decode_packet(all));
}

TEST(VpePacket, LanesOfNeighbouringCoresAreNeighboursAndClassesShareOne) {
  const WindowName core0{kUnicast, WindowId{0b0000'00000'00000'00}};
  const WindowName core0_priority{kUnicast, WindowId{0b0000'00000'00000'11}};
  const WindowName core1{kUnicast, WindowId{0b0000'00000'00001'00}};
  EXPECT_EQ(lane(core0), lane(core0_priority));
  EXPECT_EQ(lane(core1), lane(core0) + 1);
  EXPECT_NE(lane({SenderId{1}, core0.window}) % 2, lane(core0) % 2);
}

struct Inner {
  const char* what;
  std::array<std::uint8_t, 6> head;
  std::size_t available;
  std::optional<std::size_t> size;
};

TEST(VpePacket, InnerPacketTellsItsOwnLength) {
  const Inner cases[] = {
      {"IPv4 fills the payload", {0x45, 0, 0, 60, 0, 0}, 60, 60},
      {"IPv4 with padding behind", {0x45, 0, 0, 60, 0, 0}, 100, 60},
      {"IPv4 longer than the payload", {0x45, 0, 0, 61, 0, 0}, 60, {}},
      {"IPv4 shorter than its header", {0x45, 0, 0, 19, 0, 0}, 60, {}},
      {"IPv4 with options", {0x4f, 0, 0, 60, 0, 0}, 60, 60},
      {"IPv4 with options beyond its length", {0x4f, 0, 0, 59, 0, 0}, 60, {}},
      {"IPv4 with a header below 20 bytes", {0x44, 0, 0, 60, 0, 0}, 60, {}},
      {"IPv6 fills the payload", {0x60, 0, 0, 0, 0, 20}, 60, 60},
      {"IPv6 without payload", {0x60, 0, 0, 0, 0, 0}, 40, 40},
      {"IPv6 longer than the payload", {0x60, 0, 0, 0, 0, 21}, 60, {}},
      {"neither", {0x50, 0, 0, 60, 0, 60}, 60, {}},
      {"zeros", {}, 60, {}},
  };
  for (const Inner& one : cases) EXPECT_EQ(inner_size(one.head, one.available), one.size) << one.what;
  EXPECT_FALSE(inner_size(BytesView(cases[0].head).first(5), 60)) << "too short to say";
}

}  // namespace
}  // namespace hasync::vpe
