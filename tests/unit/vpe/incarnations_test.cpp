#include "vpe/incarnations.h"

#include <gtest/gtest.h>

namespace hasync::vpe {
namespace {

TEST(Incarnations, EachIsGivenOutOnce) {
  Incarnations log;
  for (std::uint32_t i = 0; i < kIncarnations; ++i) EXPECT_EQ(log.take(7), i);
  EXPECT_EQ(log.take(7), std::nullopt);
  EXPECT_EQ(log.taken(7), kIncarnations);
}

TEST(Incarnations, NodesCountForThemselves) {
  Incarnations log;
  EXPECT_EQ(log.take(0), 0);
  EXPECT_EQ(log.take(15), 0);
  EXPECT_EQ(log.take(0), 1);
  EXPECT_EQ(log.take(16), std::nullopt);
  EXPECT_EQ(log.taken(16), 0U);
}

TEST(Incarnations, RekeyIsAskedForBeforeTheEnd) {
  Incarnations log;
  for (std::uint32_t i = 0; i + 1 < kRekeyAt; ++i) log.take(2);
  EXPECT_FALSE(log.wants_rekey());
  log.take(2);
  EXPECT_TRUE(log.wants_rekey());
  EXPECT_TRUE(log.take(2)) << "it goes on until the new key is there";
}

TEST(Incarnations, MembersThatAppliedTheSameAgree) {
  Incarnations one, other;
  for (const std::uint32_t node : {1U, 2U, 1U, 16U}) EXPECT_EQ(one.take(node), other.take(node));
  EXPECT_EQ(one, other);
}

}  // namespace
}  // namespace hasync::vpe
