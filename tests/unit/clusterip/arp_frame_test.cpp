#include "clusterip/arp_frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace hasync::clusterip {
namespace {

constexpr Mac kMac{2, 0, 0, 0, 0, 0x2a};

std::vector<std::uint8_t> used(const ArpFrame& frame) {
  return {frame.begin(), frame.begin() + 42};
}

TEST(ArpFrame, RequestAsksForItsOwnAddress) {
  EXPECT_EQ(used(gratuitous_arp(ArpForm::Request, kMac, Address::v4(192, 0, 2, 1))),
            (std::vector<std::uint8_t>{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,   0x2a, 8, 6,
                                       0,    1,    8,    0,    6,    4,    0, 1, 2, 0, 0,   0,    0, 0x2a,
                                       192,  0,    2,    1,    0,    0,    0, 0, 0, 0, 192, 0,    2, 1}));
}

TEST(ArpFrame, ReplyNamesItselfTwice) {
  EXPECT_EQ(used(gratuitous_arp(ArpForm::Reply, kMac, Address::v4(192, 0, 2, 1))),
            (std::vector<std::uint8_t>{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0,    0,   0x2a, 8, 6,
                                       0,    1,    8,    0,    6,    4,    0, 2, 2, 0,    0,   0,    0, 0x2a,
                                       192,  0,    2,    1,    2,    0,    0, 0, 0, 0x2a, 192, 0,    2, 1}));
}

TEST(ArpFrame, PaddingIsZero) {
  const auto frame = gratuitous_arp(ArpForm::Request, kMac, Address::v4(192, 0, 2, 1));
  EXPECT_TRUE(std::all_of(frame.begin() + 42, frame.end(), [](std::uint8_t byte) { return byte == 0; }));
}

}  // namespace
}  // namespace hasync::clusterip
