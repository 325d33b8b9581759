#include "xfrm/xfrm_ae.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>

namespace {

struct Message {
  alignas(nlmsghdr) std::array<std::uint8_t, 2048> bytes{};
  std::size_t size = 0;

  const nlmsghdr& header() const { return *reinterpret_cast<const nlmsghdr*>(bytes.data()); }
  const xfrm_aevent_id& id() const {
    return *reinterpret_cast<const xfrm_aevent_id*>(bytes.data() + NLMSG_HDRLEN);
  }
};

hasync_xfrm_sa_t sample_sa() {
  hasync_xfrm_sa_t sa{};
  sa.family = AF_INET;
  sa.protocol = IPPROTO_ESP;
  sa.spi = 0xc0ffee01;
  inet_pton(AF_INET, "192.0.2.10", sa.destination);
  return sa;
}

Message encode(const hasync_xfrm_sa_t& sa, const hasync_xfrm_ae_t& ae, bool acknowledge = true) {
  Message message;
  message.size =
      hasync_xfrm_encode_set(message.bytes.data(), message.bytes.size(), &sa, &ae, 42, acknowledge);
  return message;
}

TEST(XfrmAe, NamesTheSaAsTheKernelWantsIt) {
  const Message message = encode(sample_sa(), {});
  EXPECT_EQ(message.header().nlmsg_type, XFRM_MSG_NEWAE);
  EXPECT_EQ(message.header().nlmsg_len, message.size);
  EXPECT_EQ(message.header().nlmsg_seq, 42U);
  EXPECT_EQ(message.header().nlmsg_flags, NLM_F_REQUEST | NLM_F_REPLACE | NLM_F_ACK);
  EXPECT_EQ(message.id().sa_id.spi, htonl(0xc0ffee01));
  EXPECT_EQ(message.id().sa_id.family, AF_INET);
  EXPECT_EQ(message.id().sa_id.proto, IPPROTO_ESP);
  EXPECT_EQ(message.id().sa_id.daddr.a4, inet_addr("192.0.2.10"));
}

TEST(XfrmSpi, AsksForExactlyThisSpi) {
  alignas(nlmsghdr) std::array<std::uint8_t, 512> bytes{};
  const auto sa = sample_sa();
  const std::array<std::uint8_t, 4> source{192, 0, 2, 100};
  const auto size = hasync_xfrm_encode_reserve(bytes.data(), bytes.size(), &sa, source.data(), 7);
  ASSERT_EQ(size, NLMSG_LENGTH(sizeof(xfrm_userspi_info)));
  const auto& header = *reinterpret_cast<const nlmsghdr*>(bytes.data());
  EXPECT_EQ(header.nlmsg_type, XFRM_MSG_ALLOCSPI);
  EXPECT_EQ(header.nlmsg_flags, NLM_F_REQUEST);
  EXPECT_EQ(header.nlmsg_len, size);
  EXPECT_EQ(header.nlmsg_seq, 7U);
  xfrm_userspi_info request{};
  std::memcpy(&request, bytes.data() + NLMSG_HDRLEN, sizeof request);
  EXPECT_EQ(request.min, 0xc0ffee01);
  EXPECT_EQ(request.max, 0xc0ffee01);
  EXPECT_EQ(request.info.id.daddr.a4, inet_addr("192.0.2.10"));
  EXPECT_EQ(request.info.saddr.a4, inet_addr("192.0.2.100"));
  EXPECT_EQ(request.info.id.proto, IPPROTO_ESP);
  EXPECT_EQ(request.info.family, AF_INET);
  EXPECT_EQ(hasync_xfrm_encode_reserve(bytes.data(), size - 1, &sa, source.data(), 7), 0U);
}

TEST(XfrmAe, OnlyWhoWantsAnAcknowledgementAsksForIt) {
  EXPECT_EQ(encode(sample_sa(), {}, false).header().nlmsg_flags & NLM_F_ACK, 0);
}

TEST(XfrmAe, ReadsWhatItWrote) {
  hasync_xfrm_ae_t legacy{};
  legacy.outbound = 70000;
  legacy.inbound = 1234;
  legacy.words = 1;
  legacy.bitmap[0] = 0xdeadbeef;
  legacy.has_lifetime = true;
  legacy.bytes = 5;
  legacy.packets = 6;
  legacy.add_time = 7;
  legacy.use_time = 8;
  hasync_xfrm_ae_t esn = legacy;
  esn.esn_format = true;
  esn.outbound = 0x3'0000'0001;
  esn.inbound = 0x2'ffff'ffff;
  esn.window = 4096;
  esn.words = HASYNC_XFRM_BITMAP_WORDS;
  std::iota(esn.bitmap, esn.bitmap + esn.words, 9U);

  for (const auto& ae : {legacy, esn}) {
    hasync_xfrm_sa_t sa = sample_sa();
    const Message message = encode(sa, ae);
    ASSERT_GT(message.size, 0U);
    hasync_xfrm_ae_t read{};
    ASSERT_EQ(hasync_xfrm_decode(message.bytes.data(), message.size, &read), 0);
    EXPECT_EQ(read.esn_format, ae.esn_format);
    EXPECT_EQ(read.outbound, ae.outbound);
    EXPECT_EQ(read.inbound, ae.inbound);
    EXPECT_EQ(read.words, ae.words);
    EXPECT_EQ(std::memcmp(read.bitmap, ae.bitmap, sizeof ae.bitmap), 0);
    EXPECT_EQ(read.add_time, 7U);
    EXPECT_EQ(read.use_time, 8U);
    EXPECT_EQ(read.packets, 6U);
  }
}

TEST(XfrmAe, AMarkIsPartOfTheName) {
  hasync_xfrm_sa_t marked = sample_sa();
  marked.mark = 5;
  marked.mask = 0xff;
  EXPECT_EQ(encode(marked, {}).size, encode(sample_sa(), {}).size + NLA_HDRLEN + sizeof(xfrm_mark));
}

TEST(XfrmAe, WhatDoesNotFitIsNotWritten) {
  const Message whole = encode(sample_sa(), {});
  std::array<std::uint8_t, 2048> buffer{};
  const hasync_xfrm_sa_t sa = sample_sa();
  const hasync_xfrm_ae_t ae{};
  for (std::size_t size = 0; size < whole.size; ++size) {
    EXPECT_EQ(hasync_xfrm_encode_set(buffer.data(), size, &sa, &ae, 1, false), 0U);
  }
}

TEST(XfrmAe, CutOffOrDamagedAnswersAreRefused) {
  hasync_xfrm_ae_t ae{};
  ae.esn_format = true;
  ae.window = 64;
  ae.words = 2;
  const Message message = encode(sample_sa(), ae);
  hasync_xfrm_ae_t read{};
  for (std::size_t size = 0; size < message.size; ++size) {
    EXPECT_EQ(hasync_xfrm_decode(message.bytes.data(), size, &read), -EBADMSG) << size;
  }
  Message damaged = message;
  const std::size_t attribute = NLMSG_HDRLEN + sizeof(xfrm_aevent_id);
  damaged.bytes[attribute] = 0xff;  // its length
  EXPECT_EQ(hasync_xfrm_decode(damaged.bytes.data(), damaged.size, &read), -EBADMSG);
  damaged = message;
  damaged.bytes[attribute + NLA_HDRLEN] = 0xff;  // words of the bitmap
  EXPECT_EQ(hasync_xfrm_decode(damaged.bytes.data(), damaged.size, &read), -EBADMSG);
}

// One SA of a dump, as the kernel writes it.
Message dumped(std::uint32_t inbound) {
  Message message;
  auto* header = reinterpret_cast<nlmsghdr*>(message.bytes.data());
  auto* info = reinterpret_cast<xfrm_usersa_info*>(message.bytes.data() + NLMSG_HDRLEN);
  info->family = AF_INET;
  info->id.proto = IPPROTO_ESP;
  info->id.spi = htonl(0xc0ffee01);
  info->id.daddr.a4 = inet_addr("192.0.2.10");
  std::size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(*info));
  const auto add = [&](std::uint16_t type, const auto& value) {
    const nlattr attribute{static_cast<std::uint16_t>(NLA_HDRLEN + sizeof(value)), type};
    std::memcpy(message.bytes.data() + at, &attribute, sizeof(attribute));
    std::memcpy(message.bytes.data() + at + NLA_HDRLEN, &value, sizeof(value));
    at += NLA_ALIGN(attribute.nla_len);
  };
  add(XFRMA_REPLAY_VAL, xfrm_replay_state{0, inbound, ~0U});
  add(XFRMA_MARK, xfrm_mark{5, 0xff});
  *header = {static_cast<std::uint32_t>(at), XFRM_MSG_NEWSA, 0, 7, 0};
  message.size = at;
  return message;
}

TEST(XfrmAe, AnSaOfADumpIsNamedWithItsMarkAndWindow) {
  const Message message = dumped(1234);
  hasync_xfrm_sa_t sa{};
  hasync_xfrm_ae_t ae{};
  ASSERT_EQ(hasync_xfrm_decode_sa(message.bytes.data(), message.size, &sa, &ae), 0);
  EXPECT_EQ(sa.spi, 0xc0ffee01);
  EXPECT_EQ(sa.family, AF_INET);
  EXPECT_EQ(sa.mark, 5U);
  EXPECT_EQ(sa.mask, 0xffU);
  EXPECT_EQ(std::memcmp(sa.destination, "\xc0\x00\x02\x0a", 4), 0);
  EXPECT_EQ(ae.inbound, 1234U);
  EXPECT_FALSE(ae.esn_format);
}

TEST(XfrmAe, ACutOffDumpIsRefused) {
  const Message message = dumped(1);
  hasync_xfrm_sa_t sa{};
  hasync_xfrm_ae_t ae{};
  for (std::size_t size = 0; size < message.size; ++size) {
    EXPECT_EQ(hasync_xfrm_decode_sa(message.bytes.data(), size, &sa, &ae), -EBADMSG) << size;
  }
}

}  // namespace
