#include "clusterip/neighbour_frame.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/clusterip/frames.h"

namespace hasync::clusterip {
namespace {

constexpr Mac kMac{2, 0, 0, 0, 0, 0x2a};

TEST(NeighbourFrame, TellsAllNodesThatTheAddressIsHere) {
  const Address address = test::address("2001:db8::100");
  const auto frame = unsolicited_advertisement(kMac, address);
  test::Bytes expected{0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x2a, 0x86, 0xdd};
  test::append(expected, test::Bytes{0x60, 0, 0, 0, 0, 32, 58, 255});
  test::append(expected, address.wire());
  test::append(expected, test::address("ff02::1").wire());
  test::append(expected, test::Bytes{136, 0, frame[56], frame[57], 0xa0, 0, 0, 0});
  test::append(expected, address.wire());
  test::append(expected, test::Bytes{2, 1, 2, 0, 0, 0, 0, 0x2a});
  EXPECT_EQ(test::Bytes(frame.begin(), frame.end()), expected);
}

// RFC 1071, section 1: what is covered adds up to ffff.
TEST(NeighbourFrame, ItsChecksumCoversAddressesAndMessage) {
  for (const char* text : {"2001:db8::100", "fe80::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    const auto frame = unsolicited_advertisement(kMac, test::address(text));
    test::Bytes covered(frame.begin() + 22, frame.end());
    test::append(covered, test::Bytes{0, 32, 0, 58});
    EXPECT_EQ(test::ip_checksum(covered), 0) << text;
  }
}

}  // namespace
}  // namespace hasync::clusterip
