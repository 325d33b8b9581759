#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "hasyncd/adapters/packer.h"
#include "hasyncd/wire/packing.h"

namespace hasync::hasyncd {
namespace {

using testing::ElementsAre;
using Texts = std::vector<std::string>;

class PackerTest : public testing::Test {
 protected:
  void add(const std::string& text, Packer::Haste haste = Packer::Haste::Together) {
    packer_.add(view_of(text), haste);
  }

  std::vector<Texts> sent_;  // one for each multicast
  bool full_ = false;        // it makes the node leave the ring
  boost::asio::io_context io_{1};
  Packer packer_{io_, [this](const Bytes& pack) {
                   const auto messages = unpack(pack);
                   ASSERT_TRUE(messages);
                   sent_.emplace_back();
                   for (const BytesView message : *messages) sent_.back().emplace_back(text_of(message));
                   if (full_) packer_.clear();
                 }};
};

TEST_F(PackerTest, TheFirstLeavesAtOnceWhatFollowsCloselyLeavesTogether) {
  add("a");
  EXPECT_THAT(sent_, ElementsAre(Texts{"a"}));
  add("b");
  add("c");
  EXPECT_EQ(sent_.size(), 1U);
  io_.run();
  EXPECT_THAT(sent_, ElementsAre(Texts{"a"}, Texts{"b", "c"}));
  add("d");  // after a pause: at once again
  EXPECT_EQ(sent_.size(), 3U);
}

TEST_F(PackerTest, AHastyOneTakesThoseBeforeItAlong) {
  add("a");
  add("b");
  add("c", Packer::Haste::AtOnce);
  EXPECT_THAT(sent_, ElementsAre(Texts{"a"}, Texts{"b", "c"}));
}

TEST_F(PackerTest, APackIsBounded) {
  const std::string half(Packer::kMaxPack / 2 + 1, 'x');
  add("a");
  for (int i = 0; i < 2; ++i) add(half);
  EXPECT_THAT(sent_, ElementsAre(Texts{"a"}, Texts{half}));
  add(std::string(2 * Packer::kMaxPack, 'y'));
  io_.run();
  EXPECT_EQ(sent_.size(), 4U);
}

TEST_F(PackerTest, AMessageDuringWhichTheRingIsLeftIsNotForTheNextOne) {
  const std::string half(Packer::kMaxPack / 2 + 1, 'x');
  add("a");
  add(half);
  full_ = true;
  add(half);
  io_.run();
  EXPECT_THAT(sent_, ElementsAre(Texts{"a"}, Texts{half}));
}

TEST_F(PackerTest, WhatIsClearedIsNotSent) {
  add("a");
  add("b");
  packer_.clear();
  io_.run();
  EXPECT_THAT(sent_, ElementsAre(Texts{"a"}));
}

}  // namespace
}  // namespace hasync::hasyncd
