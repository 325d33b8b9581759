// From one gateway's inside to the other's, without input or output.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/inner_packets.h"
#include "tests/support/vpe_packets.h"
#include "vped/inbound.h"
#include "vped/outbound.h"

namespace hasync::vped {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using vpe::Drop;

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}

// The two ends of one tunnel, and of a second one with another key beside it.
std::vector<Tunnel> tunnels_of(bool first) {
  std::vector<Prefix> own = {prefix("10.1.0.0/16"), prefix("fd00:1::/32")};
  std::vector<Prefix> other = {prefix("10.2.0.0/16"), prefix("fd00:2::/32")};
  if (!first) std::swap(own, other);
  std::vector<Tunnel> out = {
      {.name = "t", .spi_out = EspSpi{0x1002}, .spi_in = EspSpi{0x1001}, .local = own, .remote = other},
      {.name = "u",
       .spi_out = EspSpi{0x2002},
       .spi_in = EspSpi{0x2001},
       .local = own,
       .remote = {prefix("10.3.0.0/16")}}};
  if (!first)
    for (Tunnel& tunnel : out) std::swap(tunnel.spi_out, tunnel.spi_in);
  return out;
}

std::unique_ptr<vpe::Gcm> gcm(std::size_t tunnel) {
  return vpe::test::gcm("auto", vpe::test::key(16, static_cast<std::uint8_t>(0x40 + tunnel)));
}

struct End {
  explicit End(bool first, vpe::Place place = {}, std::uint64_t number = 1, std::uint32_t worker = 0,
               std::uint32_t workers = 1)
      : tunnels(tunnels_of(first)),
        routes(tunnels),
        out(routes, tunnels, counts, senders(place, number)),
        in(routes, tunnels, counts, receivers(), worker, workers) {}

  std::vector<std::unique_ptr<vpe::Sender>> senders(vpe::Place place, std::uint64_t number) const {
    std::vector<std::unique_ptr<vpe::Sender>> made;
    for (std::size_t i = 0; i < 2; ++i)
      made.push_back(
          vpe::test::sender(gcm(i), {.spi = tunnels[i].spi_out, .place = place, .first_number = number}));
    return made;
  }
  std::vector<std::unique_ptr<vpe::Receiver>> receivers() const {
    std::vector<std::unique_ptr<vpe::Receiver>> made;
    for (std::size_t i = 0; i < 2; ++i)
      made.push_back(vpe::test::receiver(gcm(i), {.spi = tunnels[i].spi_in}));
    return made;
  }

  // Datagrams, or trains of them, that leave for this.
  struct Sent {
    Bytes bytes;
    std::size_t segment = 0;
    std::uint8_t dscp = 0;
  };
  std::vector<Sent> send(Bytes packet, const Offload& offload = {}) {
    out.take(offload, packet);
    std::vector<Sent> sent;
    for (const Train& train : out.outbox().trains()) {
      const auto bytes = out.outbox().bytes_of(train);
      sent.push_back({{bytes.begin(), bytes.end()}, train.segment, train.dscp});
    }
    answers.assign(out.answers().begin(), out.answers().end());
    out.clear();
    return sent;
  }
  // Inner packets that come of it.
  std::vector<Bytes> receive(Bytes bytes, std::size_t segment = 0) {
    in.take(bytes, segment);
    std::vector<Bytes> came;
    for (const Joined& joined : in.finish()) {
      came.emplace_back();
      for (const BytesView piece : joined.pieces)
        came.back().insert(came.back().end(), piece.begin(), piece.end());
    }
    strays.clear();
    for (const auto& stray : in.strays()) strays.push_back(stray.worker);
    in.clear();
    return came;
  }
  std::uint64_t refused(Drop cause) { return in.receiver(0).counters().dropped(cause); }

  std::vector<Tunnel> tunnels;
  Routes routes;
  Counts counts;
  Outbound out;
  Inbound in;
  std::vector<Bytes> answers;
  std::vector<std::uint32_t> strays;
};

TEST(Path, APacketComesOutAsItWentIn) {
  End a(true), b(false);
  for (const Bytes& packet : {test::udp(100), test::udp(100, {.v4 = false}), test::tcp(0), test::udp(1)}) {
    const auto sent = a.send(packet);
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].bytes.size(), packet.size() + vpe::kHeaderSize);
    EXPECT_THAT(b.receive(sent[0].bytes), ElementsAre(packet));
  }
}

TEST(Path, WhatIsUncutTravelsAsOneTrainAndIsUncutAgain) {
  End a(true), b(false);
  a.out.set_mtu(0, 1440);
  const Bytes packet = test::tcp(60000);
  const Offload offload{.flags = Offload::NeedsChecksum,
                        .kind = Offload::Tcp4,
                        .header = 52,
                        .segment = 1388,
                        .checksum_start = 20,
                        .checksum_offset = 16};
  const auto sent = a.send(packet, offload);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].segment, 1440U + vpe::kHeaderSize);
  const auto came = b.receive(sent[0].bytes, sent[0].segment);
  ASSERT_EQ(came.size(), 1U);
  EXPECT_TRUE(std::equal(came[0].begin() + 52, came[0].end(), packet.begin() + 52, packet.end()));
  EXPECT_EQ(b.in.receiver(0).counters().packets, 44U);
}

TEST(Path, JumboFramesAreCutIntoTrainsThatFitADatagram) {
  End a(true), b(false);
  a.out.set_mtu(0, 8940);
  const Offload offload{.flags = Offload::NeedsChecksum,
                        .kind = Offload::Tcp4,
                        .header = 52,
                        .segment = 8888,
                        .checksum_start = 20,
                        .checksum_offset = 16};
  std::size_t payload = 0;
  for (const auto& sent : a.send(test::tcp(65000), offload)) {
    EXPECT_LE(sent.bytes.size(), 65507U);
    for (const Bytes& came : b.receive(sent.bytes, sent.segment)) payload += came.size() - 52;
  }
  EXPECT_EQ(payload, 65000U);
  const Bytes largest = test::udp(65503 - 28);
  a.out.set_mtu(0, 65503);
  const auto sent = a.send(largest);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_THAT(b.receive(sent[0].bytes), ElementsAre(largest));
}

TEST(Path, WhatIsNotForATunnelStaysHere) {
  End a(true);
  EXPECT_THAT(a.send(test::udp(10, {.destination = "192.0.2.1"})), IsEmpty());
  EXPECT_THAT(a.send(test::udp(10, {.source = "10.9.0.1"})), IsEmpty());
  EXPECT_EQ(a.counts.dropped(Cause::NoTunnel), 2U);
  EXPECT_THAT(a.send(Bytes(40)), IsEmpty());
  EXPECT_THAT(a.send({}), IsEmpty());
  EXPECT_EQ(a.counts.dropped(Cause::NotIp), 2U);
  EXPECT_THAT(a.send(test::tcp(100), {.kind = 7}), IsEmpty());
  EXPECT_EQ(a.counts.dropped(Cause::BadOffload), 1U);
}

TEST(Path, OnePacketCannotBecomeMoreThanThereIsRoomFor) {
  End a(true);
  const Offload offload{.flags = Offload::NeedsChecksum,
                        .kind = Offload::Tcp4,
                        .header = 52,
                        .segment = 1,
                        .checksum_start = 20,
                        .checksum_offset = 16};
  EXPECT_THAT(a.send(test::tcp(60000), offload), IsEmpty());
  EXPECT_EQ(a.counts.dropped(Cause::BadOffload), 1U);
}

TEST(Path, WhatIsTooBigIsAnsweredAndNotSent) {
  End a(true);
  a.out.set_mtu(0, 1300);
  EXPECT_THAT(a.send(test::tcp(1300)), IsEmpty());
  ASSERT_EQ(a.answers.size(), 1U);
  EXPECT_EQ(a.answers[0][26] * 256 + a.answers[0][27], 1300);
  const Offload offload{.flags = Offload::NeedsChecksum,
                        .kind = Offload::Tcp4,
                        .header = 52,
                        .segment = 1388,
                        .checksum_start = 20,
                        .checksum_offset = 16};
  EXPECT_THAT(a.send(test::tcp(20000), offload), IsEmpty()) << "so are segments";
  EXPECT_THAT(a.answers, testing::SizeIs(1));
  EXPECT_EQ(a.counts.dropped(Cause::TooBig), 2U);
  EXPECT_EQ(a.counts.told_too_big, 2U);
}

TEST(Path, WhatIsTooBigAndMayBeCutGoesInFragments) {
  End a(true), b(false);
  a.out.set_mtu(0, 1300);
  std::vector<Bytes> came;
  for (const auto& sent : a.send(test::udp(3000, {.may_be_cut = true})))
    for (const Bytes& fragment : b.receive(sent.bytes, sent.segment)) came.push_back(fragment);
  EXPECT_THAT(a.answers, IsEmpty());
  ASSERT_EQ(came.size(), 3U);
  EXPECT_EQ(came[0].size() + came[1].size() + came[2].size(), 3 * 20 + 3008U);
  for (const Bytes& fragment : came) EXPECT_LE(fragment.size(), 1300U);
}

TEST(Path, WithoutAPathNothingIsSentAndNobodyIsToldAnMtu) {
  End a(true);
  a.out.set_mtu(0, 0);
  EXPECT_THAT(a.send(test::tcp(100)), IsEmpty());
  EXPECT_THAT(a.answers, IsEmpty());
  EXPECT_EQ(a.counts.dropped(Cause::NotSent), 1U);
}

TEST(Path, WhatIsNotThePeersIsCountedByItsCause) {
  End a(true), b(false);
  const Bytes good = a.send(test::udp(100))[0].bytes;
  Bytes forged = good, foreign = good;
  forged[60] ^= 1;
  foreign[3] ^= 0x40;
  EXPECT_THAT(b.receive(forged), IsEmpty());
  EXPECT_THAT(b.receive(foreign), IsEmpty());
  EXPECT_THAT(b.receive(Bytes(good.begin(), good.begin() + 40)), IsEmpty());
  EXPECT_THAT(b.receive({}), IsEmpty());
  EXPECT_THAT(b.receive(Bytes(good.begin(), good.end() - 1)), IsEmpty());
  EXPECT_THAT(b.receive(good), testing::SizeIs(1));
  EXPECT_THAT(b.receive(good), IsEmpty());
  EXPECT_EQ(b.refused(Drop::Forged), 2U);
  EXPECT_EQ(b.refused(Drop::Replayed), 1U);
  EXPECT_EQ(b.counts.dropped(Cause::ForeignSpi), 1U);
  EXPECT_EQ(b.counts.dropped(Cause::Truncated), 2U);
}

// A peer may send what it likes under its own key: it gets no further than its selectors.
TEST(Path, WhatIsOutsideTheSelectorsIsNotDelivered) {
  End b(false);
  const auto peer = vpe::test::sender(gcm(0), {.spi = EspSpi{0x1002}});
  for (const test::TcpOptions& options :
       {test::TcpOptions{.source = "10.3.0.1"}, {.destination = "10.1.0.1"}, {.source = "192.0.2.1"}})
    EXPECT_THAT(b.receive(vpe::test::seal(*peer, test::udp(50, options))), IsEmpty());
  EXPECT_EQ(b.counts.dropped(Cause::Selector), 3U);
  EXPECT_THAT(b.receive(vpe::test::seal(*peer, test::udp(50))), testing::SizeIs(1));
}

TEST(Path, ATrainMayHoldPacketsOfSeveralTunnels) {
  End a(true), b(false);
  const auto other = vpe::test::sender(gcm(1), {.spi = EspSpi{0x2002}});
  Bytes train;
  for (const Bytes& one :
       {a.send(test::udp(100))[0].bytes, vpe::test::seal(*other, test::udp(100, {.source = "10.3.0.1"})),
        a.send(test::udp(100))[0].bytes})
    train.insert(train.end(), one.begin(), one.end());
  EXPECT_THAT(b.receive(train, train.size() / 3), testing::SizeIs(3));
}

TEST(Path, WhenTheNumbersAreSpentNothingIsSent) {
  End a(true, {}, vpe::kLastNumber);
  EXPECT_THAT(a.send(test::udp(10)), testing::SizeIs(1));
  EXPECT_THAT(a.send(test::udp(10)), IsEmpty());
  EXPECT_EQ(a.out.sender(0)->counters().dropped(Drop::NumbersSpent), 1U);
}

TEST(Path, ClassesHaveWindowsOfTheirOwnAndKeepTheirDscp) {
  End a(true), b(false);
  for (const std::uint8_t dscp : std::initializer_list<std::uint8_t>{0, 46, 8, 34}) {
    const auto sent = a.send(test::udp(10, {.dscp = dscp}));
    EXPECT_EQ(sent[0].dscp, dscp);
    EXPECT_THAT(b.receive(sent[0].bytes), testing::SizeIs(1));
  }
  EXPECT_THAT(b.in.receiver(0).windows(), testing::SizeIs(4));
}

// Two nodes send on one SA and know nothing of each other.
TEST(Path, NodesShareAnSaWithoutANumberTwice) {
  End first(true, {.node = 0}), second(true, {.node = 1}), b(false);
  for (int i = 0; i < 50; ++i) {
    EXPECT_THAT(b.receive(first.send(test::udp(10))[0].bytes), testing::SizeIs(1));
    EXPECT_THAT(b.receive(second.send(test::udp(10))[0].bytes), testing::SizeIs(1));
  }
  EXPECT_EQ(b.refused(Drop::Replayed), 0U);
}

TEST(Path, ThePacketOfAnotherWorkersWindowIsNotTouched) {
  End a(true, {.core = 1}), first(false, {}, 1, 0, 2), second(false, {}, 1, 1, 2);
  const Bytes sealed = a.send(test::udp(10))[0].bytes;
  EXPECT_THAT(first.receive(sealed), IsEmpty());
  EXPECT_THAT(first.strays, ElementsAre(1));
  EXPECT_THAT(second.receive(sealed), testing::SizeIs(1));
  EXPECT_THAT(second.strays, IsEmpty());
}

}  // namespace
}  // namespace hasync::vped
