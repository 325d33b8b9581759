#include <gtest/gtest.h>

#include <set>

#include "hasyncd/adapters/hkdf.h"
#include "hasyncd/adapters/seal.h"

namespace hasync::hasyncd {
namespace {

Secret key_of(std::uint8_t fill) {
  return Secret{Bytes(32, fill)};
}
KeySet keys_of(std::initializer_list<std::pair<std::uint8_t, std::uint32_t>> fills_and_ids) {
  KeySet out;
  for (const auto& [fill, id] : fills_and_ids) out.keys.push_back({id, key_of(fill), {}});
  return out;
}
Sealer sealer_of(std::uint8_t fill, std::uint32_t id = 0xabc) {
  return {keys_of({{fill, id}}), &Key::auth};
}
const Bytes kText{'h', 'e', 'l', 'l', 'o'};
const auto kRing = additional_data(Purpose::Ring, NodeId{1});

// RFC 5869, appendix A.1 (its output is 42 bytes; ours are the first 32).
TEST(Hkdf, GivesTheNumbersOfTheRfc) {
  Bytes salt;
  for (std::uint8_t i = 0; i <= 12; ++i) salt.push_back(i);
  std::string info;
  for (int i = 0xf0; i <= 0xf9; ++i) info.push_back(static_cast<char>(i));
  const Secret out = derive_key(Secret{Bytes(22, 0x0b)}, salt, info);
  const Bytes expected{0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5, 0x7a, 0x90, 0x43, 0x4f,
                       0x64, 0xd0, 0x36, 0x2f, 0x2a, 0x2d, 0x2d, 0x0a, 0x90, 0xcf, 0x1a,
                       0x5a, 0x4c, 0x5d, 0xb0, 0x2d, 0x56, 0xec, 0xc4, 0xc5, 0xbf};
  EXPECT_EQ(Bytes(out.reveal().begin(), out.reveal().end()), expected);
}

TEST(Sealer, WhatOneSealsAnotherWithTheSameKeyOpens) {
  Sealer a = sealer_of(1);
  Sealer b = sealer_of(1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(b.open(a.seal(kText, kRing), kRing).value(), kText);
  EXPECT_EQ(a.open(b.seal({}, kRing), kRing).value(), Bytes{});
  const Bytes large(1000 * 1000, 7);
  const Bytes sealed = a.seal(large, kRing);
  EXPECT_EQ(sealed.size(), large.size() + Sealer::kOverhead);
  EXPECT_EQ(b.open(sealed, kRing).value(), large);
}

TEST(Sealer, EveryChangedByteIsNoticed) {
  Sealer a = sealer_of(1);
  const Bytes sealed = a.seal(kText, kRing);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 0x10;
    EXPECT_FALSE(a.open(changed, kRing)) << "byte " << i;
  }
  for (std::size_t length = 0; length < sealed.size(); ++length) {
    EXPECT_FALSE(a.open(BytesView(sealed).first(length), kRing)) << length;
  }
}

TEST(Sealer, BytesOpenForTheirPurposeAndSenderOnly) {
  Sealer a = sealer_of(1);
  const Bytes sealed = a.seal(kText, kRing);
  EXPECT_FALSE(a.open(sealed, additional_data(Purpose::Heartbeat, NodeId{1})));
  EXPECT_FALSE(a.open(sealed, additional_data(Purpose::Ring, NodeId{2})));
}

TEST(Sealer, AnotherKeyIsNamed) {
  Sealer a = sealer_of(1, 0xaaaa0001);
  Sealer other_id = sealer_of(1, 0xbbbb0002);
  Sealer other_key = sealer_of(2, 0xaaaa0001);
  const auto by_id = other_id.open(a.seal(kText, kRing), kRing);
  ASSERT_FALSE(by_id);
  EXPECT_EQ(by_id.error(), (Error{Errc::Denied, "sealed with key aaaa0001; the key file here has bbbb0002"}));
  const auto by_key = other_key.open(a.seal(kText, kRing), kRing);
  ASSERT_FALSE(by_key);
  EXPECT_EQ(by_key.error().code, Errc::Denied);
  EXPECT_NE(by_key.error().what.find("aaaa0001"), std::string::npos);
}

TEST(Sealer, SealsWithOneKeyOfASetAndOpensWithEach) {
  Sealer old_only = sealer_of(1, 0xaaaa0001);
  Sealer new_only = sealer_of(2, 0xbbbb0002);
  Sealer both(keys_of({{1, 0xaaaa0001}, {2, 0xbbbb0002}}), &Key::auth);
  EXPECT_TRUE(both.open(old_only.seal(kText, kRing), kRing));
  EXPECT_TRUE(both.open(new_only.seal(kText, kRing), kRing));

  EXPECT_EQ(both.sealing_key(), 0xbbbb0002U);
  EXPECT_EQ(key_id_of(both.seal(kText, kRing)), 0xbbbb0002U);
  EXPECT_FALSE(old_only.open(both.seal(kText, kRing), kRing));
  both.seal_with(0xaaaa0001);
  EXPECT_EQ(old_only.open(both.seal(kText, kRing), kRing).value(), kText);
  both.seal_with(0xcccc0003);  // not one of the set
  EXPECT_EQ(both.sealing_key(), 0xaaaa0001U);
}

TEST(Sealer, TheKeyIdIsBoundToTheKey) {
  Sealer both(keys_of({{1, 0xaaaa0001}, {2, 0xbbbb0002}}), &Key::auth);
  Bytes sealed = both.seal(kText, kRing);
  std::ranges::copy(Bytes{0xaa, 0xaa, 0x00, 0x01}, sealed.begin() + 1);
  EXPECT_FALSE(both.open(sealed, kRing));
  EXPECT_EQ(key_id_of(kText), 0U);
}

TEST(Sealer, NoHeadIsUsedTwice) {
  std::set<Bytes> heads;
  for (int s = 0; s < 20; ++s) {
    Sealer a = sealer_of(1);
    for (int i = 0; i < 100; ++i) {
      const Bytes sealed = a.seal(kText, kRing);
      EXPECT_TRUE(heads.emplace(sealed.begin(), sealed.begin() + 29).second);
    }
  }
}

TEST(Sealer, ManySendersAreOpenedInAnyOrder) {
  std::vector<Sealer> senders;
  for (int i = 0; i < 100; ++i) senders.push_back(sealer_of(1));
  Sealer receiver = sealer_of(1);
  for (int round = 0; round < 3; ++round) {
    for (Sealer& sender : senders) EXPECT_TRUE(receiver.open(sender.seal(kText, kRing), kRing));
  }
}

TEST(ContextFile, SealedAndPlainComeBack) {
  Sealer a = sealer_of(1);
  const Bytes sealed = seal_file(a, kText);
  EXPECT_EQ(text_of(sealed).substr(0, 43), "hasyncd-context 1 sealed with key 00000abc\n");
  const auto opened = open_file(&a, sealed);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(std::ranges::equal(opened->content.reveal(), kText));
  EXPECT_FALSE(opened->was_plain);
  const auto plain = open_file(nullptr, plain_file(kText));
  ASSERT_TRUE(plain);
  EXPECT_TRUE(std::ranges::equal(plain->content.reveal(), kText));
  EXPECT_TRUE(plain->was_plain);
}

TEST(ContextFile, OtherFilesAreRefused) {
  Sealer a = sealer_of(1);
  Sealer stranger = sealer_of(2);
  const Bytes sealed = seal_file(a, kText);
  EXPECT_EQ(open_file(&stranger, sealed).error().code, Errc::Denied);
  EXPECT_EQ(open_file(nullptr, sealed).error().code, Errc::Denied);
  EXPECT_EQ(open_file(&a, kText).error().code, Errc::Invalid);
  EXPECT_EQ(open_file(&a, {}).error().code, Errc::Invalid);
  EXPECT_FALSE(open_file(&a, BytesView(sealed).first(sealed.size() - 1)));
}

}  // namespace
}  // namespace hasync::hasyncd
