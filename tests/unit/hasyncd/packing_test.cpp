#include "hasyncd/wire/packing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace hasync::hasyncd {
namespace {

std::vector<std::string> texts(const std::vector<BytesView>& messages) {
  std::vector<std::string> out;
  for (const BytesView message : messages) out.emplace_back(text_of(message));
  return out;
}

TEST(Packing, MessagesComeBackInTheirOrder) {
  Bytes packed;
  for (const char* text : {"one", "two", "three"}) pack(packed, view_of(text));
  const auto messages = unpack(packed);
  ASSERT_TRUE(messages);
  EXPECT_THAT(texts(*messages), testing::ElementsAre("one", "two", "three"));
}

TEST(Packing, LengthsAreBigEndian) {
  Bytes packed;
  pack(packed, Bytes(0x10203, 7));
  EXPECT_THAT(Bytes(packed.begin(), packed.begin() + 5), testing::ElementsAre(0, 1, 2, 3, 7));
  const auto messages = unpack(packed);
  ASSERT_TRUE(messages);
  EXPECT_EQ(messages->front().size(), 0x10203U);
}

TEST(Packing, WhatIsCutOrEmptyIsRefusedWhole) {
  Bytes packed;
  for (const char* text : {"one", "two"}) pack(packed, view_of(text));
  const std::size_t boundary = packed.size() / 2;
  for (std::size_t size = 0; size < packed.size(); ++size) {
    EXPECT_EQ(unpack(BytesView(packed).first(size)).has_value(), size == boundary) << size;
  }
  Bytes empty;
  pack(empty, {});
  EXPECT_FALSE(unpack(empty));
  const Bytes huge{0xff, 0xff, 0xff, 0xff, 1};
  const auto refused = unpack(huge);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "multicast: a message of 4294967295 bytes, where 1 are left");
}

}  // namespace
}  // namespace hasync::hasyncd
