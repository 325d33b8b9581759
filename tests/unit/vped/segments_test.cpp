// Cutting what the kernel hands out uncut, and joining what came through the tunnel.
#include <gtest/gtest.h>

#include "tests/support/inner_packets.h"
#include "vped/merge.h"
#include "vped/split.h"

namespace hasync::vped {
namespace {

constexpr std::uint8_t kPush = 0x08, kFin = 0x01, kCwr = 0x80, kAck = 0x10;

// As the kernel hands it out: checksum left open.
struct Uncut {
  Bytes packet;
  Offload offload;
};

Uncut uncut(std::size_t payload, std::uint16_t segment, const test::TcpOptions& options = {}) {
  const std::uint16_t ip = options.v4 ? 20 : 40;
  Uncut out{test::tcp(payload, options), {}};
  out.offload = {.flags = Offload::NeedsChecksum,
                 .kind = options.v4 ? Offload::Tcp4 : Offload::Tcp6,
                 .header = static_cast<std::uint16_t>(ip + 32),
                 .segment = segment,
                 .checksum_start = ip,
                 .checksum_offset = 16};
  out.packet[ip + 16U] = out.packet[ip + 17U] = 0;  // nobody may rely on it
  return out;
}

std::vector<Bytes> cut(Uncut& from) {
  const auto split = Split::create(from.offload, from.packet, test::inner_of(from.packet));
  std::vector<Bytes> out;
  if (!split) return out;
  for (std::size_t i = 0; i < split->count(); ++i) {
    Bytes one(split->header());
    if (split->header() != 0) split->write_header(i, one.data());
    const BytesView payload = split->payload(i);
    one.insert(one.end(), payload.begin(), payload.end());
    EXPECT_LE(one.size(), split->largest());
    out.push_back(one);
  }
  return out;
}

Bytes flat(const Joined& joined) {
  Bytes out;
  for (const BytesView piece : joined.pieces) out.insert(out.end(), piece.begin(), piece.end());
  return out;
}

// What becomes of packets that came through a tunnel.
std::vector<std::pair<Offload, Bytes>> join(std::vector<Bytes>& packets) {
  Merge merge;
  for (Bytes& packet : packets) merge.add(packet, test::inner_of(packet));
  std::vector<std::pair<Offload, Bytes>> out;
  for (const Joined& joined : merge.finish()) out.emplace_back(joined.offload, flat(joined));
  return out;
}

class Segments : public testing::TestWithParam<bool> {};  // IPv4

TEST_P(Segments, EachIsTheTcpSegmentThatTheStreamHasThere) {
  Uncut from =
      uncut(3500, 1000, {.v4 = GetParam(), .sequence = 0xffffff00, .flags = kAck | kPush | kFin | kCwr});
  const auto packets = cut(from);
  ASSERT_EQ(packets.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    const bool first = i == 0, last = i == 3;
    const auto flags = static_cast<std::uint8_t>(kAck | (first ? kCwr : 0) | (last ? kPush | kFin : 0));
    EXPECT_EQ(packets[i],
              test::tcp(last ? 500 : 1000, {.v4 = GetParam(),
                                            .sequence = static_cast<std::uint32_t>(0xffffff00 + i * 1000),
                                            .flags = flags,
                                            .id = static_cast<std::uint16_t>(7 + i)}));
  }
}

TEST_P(Segments, JoinedAgainIsWhatWasCut) {
  Uncut from = uncut(60000, 1388, {.v4 = GetParam(), .flags = kAck | kPush});
  auto packets = cut(from);
  ASSERT_EQ(packets.size(), 44U);
  const auto joined = join(packets);
  ASSERT_EQ(joined.size(), 1U);
  EXPECT_EQ(joined[0].first, from.offload);
  Uncut again{joined[0].second, joined[0].first};
  auto original = cut(from);
  EXPECT_EQ(cut(again), original);
}

INSTANTIATE_TEST_SUITE_P(Families, Segments, testing::Bool());

TEST(Split, CompletesAChecksumThatWasLeftOpen) {
  Bytes packet = test::udp(333);
  const Bytes right = packet;
  packet[26] = packet[27] = 0;
  std::uint32_t pseudo = 17 + 341;  // the kernel leaves the pseudo header's sum there
  for (std::size_t i = 12; i < 20; i += 2) pseudo += packet[i] * 256U + packet[i + 1];
  pseudo = (pseudo & 0xffffU) + (pseudo >> 16);
  packet[26] = static_cast<std::uint8_t>(pseudo >> 8);
  packet[27] = static_cast<std::uint8_t>(pseudo);
  Uncut from{packet, {.flags = Offload::NeedsChecksum, .checksum_start = 20, .checksum_offset = 6}};
  const auto packets = cut(from);
  ASSERT_EQ(packets.size(), 1U);
  EXPECT_EQ(packets[0], right);
}

TEST(Split, RefusesWhatContradictsItself) {
  const auto refused = [](auto alter) {
    Uncut from = uncut(3000, 1000);
    alter(from);
    return cut(from).empty();
  };
  EXPECT_FALSE(refused([](Uncut&) {}));
  EXPECT_TRUE(refused([](Uncut& u) { u.offload.segment = 0; }));
  EXPECT_TRUE(refused([](Uncut& u) { u.offload.kind = Offload::Tcp6; }));
  EXPECT_TRUE(refused([](Uncut& u) { u.offload.kind = 5; }));
  EXPECT_TRUE(refused([](Uncut& u) { u.offload.flags = 0; }));
  EXPECT_TRUE(refused([](Uncut& u) { u.offload.checksum_start = 19; }));
  EXPECT_TRUE(refused([](Uncut& u) { u.offload.checksum_start = 3040; }));
  EXPECT_TRUE(refused([](Uncut& u) { u.offload.checksum_start = 65535; }));
  EXPECT_TRUE(refused([](Uncut& u) { u.packet[32] = 4 << 4; }));
  EXPECT_TRUE(refused([](Uncut& u) {
    u.packet.resize(52);
    u.packet[2] = 0;
    u.packet[3] = 52;
  }));
  EXPECT_TRUE(refused([](Uncut& u) {
    u.offload = {.flags = Offload::NeedsChecksum, .checksum_start = 3040, .checksum_offset = 16};
  }));
  EXPECT_TRUE(refused([](Uncut& u) {
    u.offload = {.flags = Offload::NeedsChecksum, .checksum_start = 0, .checksum_offset = 2};
  })) << "the IP header's own length";
}

// Each an IPv4 packet of its own; put together by their offsets they are the packet.
TEST(Split, FragmentsAreThePacketInPieces) {
  const Bytes packet = test::udp(3000, {.may_be_cut = true});
  for (const std::size_t mtu : {576U, 1240U, 3027U}) {
    const auto split = Split::fragments(packet, test::inner_of(packet), mtu);
    ASSERT_TRUE(split);
    EXPECT_LE(split->largest(), mtu);
    Bytes together(packet.begin(), packet.begin() + 20);
    for (std::size_t i = 0; i < split->count(); ++i) {
      Bytes one(split->header());
      split->write_header(i, one.data());
      std::uint32_t sum = 0;
      for (std::size_t at = 0; at < 20; at += 2) sum += one[at] * 256U + one[at + 1];
      EXPECT_EQ((sum & 0xffffU) + (sum >> 16), 0xffffU) << "its own checksum";
      EXPECT_EQ(one[2] * 256U + one[3], split->header() + split->payload(i).size());
      EXPECT_EQ((one[6] & 0x1fU) * 256U + one[7], (together.size() - 20) / 8);
      EXPECT_EQ((one[6] & 0x20U) != 0, i + 1 < split->count());
      together.insert(together.end(), split->payload(i).begin(), split->payload(i).end());
    }
    EXPECT_EQ(together, packet);
  }
}

TEST(Split, AFragmentIsCutAtItsPlaceInThePacket) {
  Bytes fragment = test::udp(3000, {.may_be_cut = true});
  fragment[6] = 0x20;  // more follow
  fragment[7] = 100;   // from byte 800 on
  const auto split = Split::fragments(fragment, test::inner_of(fragment), 1500);
  ASSERT_TRUE(split);
  ASSERT_EQ(split->count(), 3U);
  Bytes last(20);
  split->write_header(2, last.data());
  EXPECT_EQ(last[6] * 256U + last[7], 0x2000 + 100 + 2 * 185);
}

TEST(Split, WhatMustNotBeCutIsNot) {
  const Bytes whole = test::udp(3000), v6 = test::udp(3000, {.v4 = false, .may_be_cut = true});
  EXPECT_FALSE(Split::fragments(whole, test::inner_of(whole), 1500));
  EXPECT_FALSE(Split::fragments(v6, test::inner_of(v6), 1500));
  const Bytes packet = test::udp(3000, {.may_be_cut = true});
  EXPECT_FALSE(Split::fragments(packet, test::inner_of(packet), 27));
}

TEST(Merge, StreamsThatMixAreToldApart) {
  std::vector<Bytes> packets;
  for (std::uint32_t i = 0; i < 6; ++i)
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{1000, 2000})
      packets.push_back(test::tcp(100, {.port = port, .sequence = i * 100}));
  const auto joined = join(packets);
  ASSERT_EQ(joined.size(), 2U);
  EXPECT_EQ(joined[0].second.size(), test::kTcpHeaders4 + 600);
  EXPECT_EQ(joined[1].second.size(), test::kTcpHeaders4 + 600);
}

TEST(Merge, AShorterSegmentOrPushIsTheLast) {
  std::vector<Bytes> packets = {test::tcp(100, {.sequence = 0}), test::tcp(60, {.sequence = 100}),
                                test::tcp(60, {.sequence = 160, .flags = kAck | kPush}),
                                test::tcp(60, {.sequence = 220})};
  const auto joined = join(packets);
  ASSERT_EQ(joined.size(), 3U);
  EXPECT_EQ(joined[0].second.size(), test::kTcpHeaders4 + 160);
  EXPECT_EQ(joined[1].second, packets[2]) << "unaltered";
  EXPECT_EQ(joined[2].second, packets[3]);
}

// Each stands alone, unaltered, and nothing of its flow passes by it.
TEST(Merge, WhatMayNotBeJoinedIsHandedOnAsItCame) {
  const Bytes before = test::tcp(100, {.sequence = 0}), next = test::tcp(100, {.sequence = 100});
  Bytes wrong = next, other_ttl = next, with_ack = next;
  wrong.back() ^= 1;
  for (const Bytes& odd :
       {wrong, test::tcp(100, {.sequence = 101}), test::tcp(200, {.sequence = 100}),
        test::tcp(100, {.sequence = 100, .flags = kAck | kFin}), test::tcp(0, {.sequence = 100}),
        test::tcp(100, {.sequence = 100, .may_be_cut = true}),
        test::tcp(100, {.sequence = 100, .dscp = 46})}) {
    std::vector<Bytes> packets = {before, odd, next};
    const auto joined = join(packets);
    ASSERT_EQ(joined.size(), 3U);
    EXPECT_EQ(joined[0].second, before);
    EXPECT_EQ(joined[1].second, odd);
    EXPECT_EQ(joined[2].second, next);
  }
}

TEST(Merge, AWrongChecksumIsLeftForTheReceiverToSee) {
  std::vector<Bytes> packets = {test::tcp(100)};
  packets[0].back() ^= 1;
  EXPECT_EQ(join(packets)[0].first, Offload{});
  packets = {test::tcp(100)};
  EXPECT_EQ(join(packets)[0].first.flags, Offload::ChecksumIsRight);
}

TEST(Merge, NoPacketIsLargerThanIpAllows) {
  std::vector<Bytes> packets;
  for (std::uint32_t i = 0; i < 20; ++i) packets.push_back(test::tcp(8900, {.sequence = i * 8900}));
  std::size_t payload = 0;
  for (const auto& [offload, packet] : join(packets)) {
    EXPECT_LE(packet.size(), 65535U);
    EXPECT_EQ(packet[2] * 256U + packet[3], packet.size());
    payload += packet.size() - test::kTcpHeaders4;
  }
  EXPECT_EQ(payload, 20U * 8900);
}

}  // namespace
}  // namespace hasync::vped
