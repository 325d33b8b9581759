#include "frame.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace {

class FrameReader : public testing::Test {
 protected:
  FrameReader() { hasync_frame_reader_init(&reader_); }
  ~FrameReader() override { hasync_frame_reader_clear(&reader_); }

  static std::string frame(const std::string& content) {
    std::uint8_t header[HASYNC_FRAME_HEADER];
    hasync_frame_header(header, static_cast<std::uint32_t>(content.size()));
    return std::string(reinterpret_cast<char*>(header), sizeof header) + content;
  }

  // Hands over the bytes in pieces of this size and collects what comes out.
  std::vector<std::string> feed(const std::string& bytes, std::size_t piece) {
    std::vector<std::string> frames;
    for (std::size_t at = 0; at < bytes.size();) {
      std::size_t room = 0;
      std::uint8_t* where = hasync_frame_reader_room(&reader_, &room);
      const std::size_t count = std::min({piece, room, bytes.size() - at});
      std::memcpy(where, bytes.data() + at, count);
      hasync_frame_reader_filled(&reader_, count);
      at += count;
      drain(frames);
    }
    return frames;
  }

  void drain(std::vector<std::string>& frames) {
    const std::uint8_t* content = nullptr;
    std::size_t size = 0;
    while ((last_ = hasync_frame_reader_next(&reader_, &content, &size)) == HASYNC_FRAME_COMPLETE) {
      frames.emplace_back(reinterpret_cast<const char*>(content), size);
    }
  }

  hasync_frame_reader_t reader_{};
  hasync_frame_result_t last_ = HASYNC_FRAME_MORE;
};

TEST_F(FrameReader, FramesComeOutWholeHoweverTheBytesArrive) {
  const std::vector<std::string> contents = {
      "one", "", std::string(5000, 'x'), "four", std::string(70000, 'y'), "six"};
  std::string bytes;
  for (const auto& content : contents) bytes += frame(content);
  for (const std::size_t piece : {1UL, 3UL, 4UL, 4096UL, 1000000UL}) {
    EXPECT_EQ(feed(bytes, piece), contents) << "in pieces of " << piece;
    EXPECT_EQ(hasync_frame_reader_pending(&reader_), 0U);
  }
}

TEST_F(FrameReader, TheLargestFrameIsTakenAndOneByteMoreIsNot) {
  EXPECT_EQ(feed(frame(std::string(HASYNC_FRAME_MAX, 'z')), 65536).size(), 1U);
  EXPECT_EQ(feed(frame(std::string(HASYNC_FRAME_MAX + 1, 'z')).substr(0, 4), 4).size(), 0U);
  EXPECT_EQ(last_, HASYNC_FRAME_TOO_LARGE);
}

TEST_F(FrameReader, ALengthIsRefusedBeforeItsContentIsWaitedFor) {
  feed("\xff\xff\xff\xff", 4);
  EXPECT_EQ(last_, HASYNC_FRAME_TOO_LARGE);
}

TEST_F(FrameReader, WhatIsCutOffIsPending) {
  EXPECT_TRUE(feed(frame("abc").substr(0, 6), 2).empty());
  EXPECT_EQ(last_, HASYNC_FRAME_MORE);
  EXPECT_EQ(hasync_frame_reader_pending(&reader_), 6U);
}

TEST(FrameHeader, IsBigEndian) {
  std::uint8_t header[HASYNC_FRAME_HEADER];
  hasync_frame_header(header, 0x01020304);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(header), 4), "\x01\x02\x03\x04");
}

}  // namespace
