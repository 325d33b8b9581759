#include "hasyncd/node/window_marks.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

constexpr Process kOwner{NodeId{1}, Incarnation{10}};
const std::vector<NodeId> kOthers{NodeId{2}};

InboundKey key(std::uint32_t spi, std::uint8_t last = 100) {
  return {Address::v4(192, 0, 2, last), EspSpi{spi}};
}

std::size_t tops(const std::vector<Windows>& parts) {
  std::size_t count = 0;
  for (const Windows& part : parts) count += part.tops.size();
  return count;
}

TEST(WindowMarks, OnlyWhatHasMovedSinceTheReadingThatAllHaveIsTold) {
  WindowMarks owner;
  owner.read({{key(1), 10}, {key(2), 20}, {key(3), 0}});
  EXPECT_EQ(tops(owner.parts(kOthers)), 2U);  // nobody has any; an SA that has accepted nothing has no mark
  owner.held_by(NodeId{2}, 1);
  owner.read({{key(1), 11}, {key(2), 20}});
  const auto parts = owner.parts(kOthers);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].round, 2U);
  EXPECT_EQ(parts[0].since, 1U);
  EXPECT_EQ(parts[0].tops, (std::vector<InboundTop>{{key(1), 11}}));
  EXPECT_EQ(tops(owner.parts({NodeId{2}, NodeId{3}})), 2U);  // one that is new
  EXPECT_FALSE(owner.given_to(kOthers));
  owner.held_by(NodeId{2}, 99);  // no more than there is
  EXPECT_TRUE(owner.given_to(kOthers));
}

TEST(WindowMarks, ANewOwnerTellsAll) {
  WindowMarks owner;
  owner.read({{key(1), 10}});
  owner.held_by(NodeId{2}, 1);
  owner.begin();
  owner.read({{key(1), 10}});
  EXPECT_EQ(tops(owner.parts(kOthers)), 1U);
}

// Between two reigns of ours another node owned; this member has not heard of it.
TEST(WindowMarks, WhatWasHeardBetweenTwoReignsIsToldToThoseThatHoldTheReadingsOfTheFirst) {
  WindowMarks owner;
  owner.read({{key(1), 10}});
  owner.held_by(NodeId{2}, 1);
  owner.heard(kOwner, {.round = 1, .tops = {{key(1), 15}}});
  owner.begin();
  owner.held_by(NodeId{2}, 1);
  EXPECT_FALSE(owner.given_to(kOthers));
  EXPECT_EQ(tops(owner.parts(kOthers)), 1U);
  owner.read({{key(1), 15}});
  EXPECT_EQ(tops(owner.parts(kOthers)), 1U);
}

TEST(WindowMarks, AReadingIsSplitByAddressAndSize) {
  WindowMarks owner;
  std::vector<InboundTop> many;
  for (std::uint32_t spi = 1; spi <= kMaxTops + 1; ++spi) many.push_back({key(spi), 5});
  many.push_back({key(1, 101), 5});
  owner.read(many);
  const auto parts = owner.parts(kOthers);
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].tops.size(), kMaxTops);
  EXPECT_EQ(parts[2].tops, (std::vector<InboundTop>{{key(1, 101), 5}}));
  EXPECT_EQ(parts[2].part, 2U);
  EXPECT_EQ(parts[2].parts, 3U);
}

TEST(WindowMarks, AMarkOnlyRises) {
  WindowMarks marks;
  EXPECT_EQ(marks.heard(kOwner, {.round = 1, .tops = {{key(1), 10}}}),
            (std::vector<InboundTop>{{key(1), 10}}));
  EXPECT_TRUE(marks.heard(kOwner, {.round = 2, .since = 1, .tops = {{key(1), 9}}}).empty());
  EXPECT_EQ(marks.raise(key(1), 7), 10U);
  EXPECT_EQ(marks.raise(key(1), 12), 12U);
  EXPECT_EQ(marks.top(key(2)), 0U);
}

TEST(WindowMarks, AReadingIsHeldWhenAllItsPartsAndWhatCameBeforeAreHere) {
  WindowMarks marks;
  const auto hear = [&](std::uint64_t round, std::uint64_t since, std::uint32_t part, std::uint32_t parts) {
    marks.heard(kOwner, {.round = round, .since = since, .part = part, .parts = parts, .tops = {}});
    return marks.held(kOwner);
  };
  EXPECT_EQ(hear(5, 0, 0, 2), 0U);
  EXPECT_EQ(hear(5, 0, 1, 2), 5U);
  EXPECT_EQ(hear(7, 6, 0, 1), 5U);  // it says nothing of reading 6, which was lost
  EXPECT_EQ(hear(8, 5, 0, 3), 5U);
  EXPECT_EQ(hear(8, 5, 2, 3), 5U);  // the second part was lost
  EXPECT_EQ(hear(9, 5, 0, 1), 9U);
  EXPECT_EQ(marks.held({NodeId{1}, Incarnation{11}}), 0U);
}

TEST(WindowMarks, WhatIsUnknownTwiceIsForgotten) {
  WindowMarks marks;
  marks.read({{key(1), 10}, {key(2), 20}});
  marks.keep({key(1)});
  EXPECT_EQ(marks.size(), 2U);  // its SA may be about to come
  marks.keep({key(1), key(2)});
  marks.keep({key(1)});
  marks.keep({key(1)});
  EXPECT_EQ(marks.size(), 1U);
}

}  // namespace
}  // namespace hasync::hasyncd
