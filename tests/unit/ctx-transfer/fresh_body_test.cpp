#include "fresh_body.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <vector>

namespace {

using Body = std::vector<std::uint8_t>;

TEST(FreshBody, ARequestNamesItselfAndTheSpis) {
  const Body body{1, 2, 3, 4, 5, 6, 7, 8, 0xc0, 0xff, 0xee, 1, 0xc0, 0xff, 0xee, 2};
  hasync_fresh_t request;
  ASSERT_TRUE(hasync_fresh_read(&request, body.data(), body.size(), HASYNC_FRESH_ASKED));
  EXPECT_EQ(request.name, 0x0102030405060708U);
  ASSERT_EQ(request.count, 2U);
  EXPECT_EQ(ntohl(hasync_fresh_asked(&request, 0)), 0xc0ffee01U);
  EXPECT_EQ(ntohl(hasync_fresh_asked(&request, 1)), 0xc0ffee02U);
}

TEST(FreshBody, AnAnswerSaysAnIncarnationOfEach) {
  const Body body{1, 2, 3, 4, 5, 6, 7, 8, 0xc0, 0xff, 0xee, 1, 31, 0xc0, 0xff, 0xee, 2, 1};
  hasync_fresh_t answer;
  ASSERT_TRUE(hasync_fresh_read(&answer, body.data(), body.size(), HASYNC_FRESH_MOVED));
  ASSERT_EQ(answer.count, 2U);
  std::uint8_t incarnation = 0;
  EXPECT_EQ(ntohl(hasync_fresh_moved(&answer, 0, &incarnation)), 0xc0ffee01U);
  EXPECT_EQ(incarnation, 31);
  EXPECT_EQ(ntohl(hasync_fresh_moved(&answer, 1, &incarnation)), 0xc0ffee02U);
  EXPECT_EQ(incarnation, 1);
}

TEST(FreshBody, WithNothingMovedItIsTheNameAlone) {
  const Body body(HASYNC_FRESH_NAME, 7);
  hasync_fresh_t answer;
  ASSERT_TRUE(hasync_fresh_read(&answer, body.data(), body.size(), HASYNC_FRESH_MOVED));
  EXPECT_EQ(answer.count, 0U);
}

TEST(FreshBody, NoEntryIsReadOfOneThatIsCutOff) {
  const Body body(HASYNC_FRESH_NAME + 3 * HASYNC_FRESH_MOVED, 7);
  for (std::size_t size = 0; size <= body.size(); ++size) {
    hasync_fresh_t fresh;
    const bool asked = size >= 8 && (size - 8) % 4 == 0, moved = size >= 8 && (size - 8) % 5 == 0;
    EXPECT_EQ(hasync_fresh_read(&fresh, body.data(), size, HASYNC_FRESH_ASKED), asked) << size;
    EXPECT_EQ(hasync_fresh_read(&fresh, body.data(), size, HASYNC_FRESH_MOVED), moved) << size;
  }
}

}  // namespace
