#include "clusterip/address.h"

#include <gtest/gtest.h>

namespace hasync::clusterip {
namespace {

TEST(Address, ReadsAndPrintsBothFamilies) {
  for (const std::string text : {"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "fe80::1"}) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(*address), text);
    EXPECT_EQ(address->is_v4(), text.find(':') == std::string::npos);
    EXPECT_EQ(*Address::from_bytes(address->bytes()), *address);
  }
}

TEST(Address, MappedFormIsTheIpv4Address) {
  EXPECT_EQ(*Address::parse("::ffff:192.0.2.1"), *Address::parse("192.0.2.1"));
  EXPECT_EQ(Address::v4(192, 0, 2, 1), *Address::parse("192.0.2.1"));
}

TEST(Address, RefusesOtherTextAndOtherLengths) {
  for (const std::string text : {"", "192.0.2", "192.0.2.256", "gateway", "192.0.2.1/24", "fe80::1%eth0"}) {
    const auto address = Address::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, Errc::Invalid);
  }
  const std::array<std::uint8_t, 17> bytes{};
  for (const std::size_t length : {0, 3, 5, 15, 17}) {
    EXPECT_FALSE(Address::from_bytes(std::span(bytes).first(length))) << length;
  }
}

}  // namespace
}  // namespace hasync::clusterip
