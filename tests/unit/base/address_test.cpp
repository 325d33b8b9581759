#include "base/address.h"

#include <gtest/gtest.h>

namespace hasync {
namespace {

TEST(Address, ReadsAndPrintsBothFamilies) {
  EXPECT_EQ(to_string(Address::parse("192.0.2.1").value()), "192.0.2.1");
  EXPECT_EQ(to_string(Address::parse("2001:db8::1").value()), "2001:db8::1");
  EXPECT_EQ(Address::parse("192.0.2.1").value(), Address::v4(192, 0, 2, 1));
  EXPECT_FALSE(Address::parse("192.0.2"));
  EXPECT_FALSE(Address::parse("192.0.2.1/24"));
  EXPECT_FALSE(Address::parse(""));
}

TEST(Address, HasOneFormOnTheWire) {
  const Address v4 = Address::v4(192, 0, 2, 1);
  EXPECT_TRUE(v4.is_v4());
  EXPECT_EQ(v4.wire().size(), 4U);
  EXPECT_EQ(Address::from_wire(v4.wire()).value(), v4);
  EXPECT_FALSE(Address::from_wire(v4.bytes));  // mapped, in 16 bytes
  EXPECT_FALSE(Address::parse("::ffff:192.0.2.1"));
  const Address v6 = Address::parse("2001:db8::1").value();
  EXPECT_EQ(v6.wire().size(), 16U);
  EXPECT_EQ(Address::from_wire(v6.wire()).value(), v6);
  EXPECT_FALSE(Address::from_wire(v6.wire().first(5)));
}

TEST(OutboundKey, PrintsTheSpiAsPeersDo) {
  EXPECT_EQ(to_string(OutboundKey{Address::v4(192, 0, 2, 1), EspSpi{0xc0ffee1}}), "192.0.2.1/0c0ffee1");
}

TEST(SaId, ItsTextIsReadBackAndNothingElse) {
  const SaId id{0x123456789abcdef, 0xfedcba9876543210};
  EXPECT_EQ(parse_sa_id(to_string(id)), id);
  EXPECT_EQ(parse_sa_id(to_string(SaId{})), SaId{});
  for (const char* text : {"", "0123456789abcdef_i", "0123456789ABCDEF_i fedcba9876543210_r", "x",
                           "0123456789abcdef_r fedcba9876543210_r", "0123456789abcde+_i fedcba9876543210_r",
                           "0123456789abcdef_i fedcba9876543210_r "}) {
    EXPECT_FALSE(parse_sa_id(text)) << text;
  }
}

}  // namespace
}  // namespace hasync
