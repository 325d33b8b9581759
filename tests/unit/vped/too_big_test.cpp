// What an inner host is told about a packet that does not fit.
#include "vped/too_big.h"

#include <gtest/gtest.h>

#include "tests/support/inner_packets.h"

namespace hasync::vped {
namespace {

std::optional<Bytes> answer_to(const Bytes& packet, std::size_t mtu = 1400) {
  return too_big(packet, test::inner_of(packet), mtu);
}

TEST(TooBig, Ipv4IsToldToFragmentWithTheMtuOfTheTunnel) {
  const Bytes packet = test::tcp(1450);
  const auto answer = answer_to(packet);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(test::is_right(*answer));
  const Inner inner = test::inner_of(*answer);
  EXPECT_EQ(to_string(inner.source), "10.2.0.1");
  EXPECT_EQ(to_string(inner.destination), "10.1.0.1");
  EXPECT_EQ(answer->at(20), 3);
  EXPECT_EQ(answer->at(21), 4);
  EXPECT_EQ(answer->at(26) * 256 + answer->at(27), 1400);
  EXPECT_LE(answer->size(), 576U);
  EXPECT_TRUE(std::equal(answer->begin() + 28, answer->end(), packet.begin())) << "quotes it";
}

TEST(TooBig, Ipv6IsToldThePacketIsTooBig) {
  const Bytes packet = test::udp(1450, {.v4 = false});
  const auto answer = answer_to(packet);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(test::is_right(*answer));
  EXPECT_EQ(to_string(test::inner_of(*answer).destination), "fd00:1::1");
  EXPECT_EQ(answer->at(40), 2);
  EXPECT_EQ(answer->at(46) * 256 + answer->at(47), 1400);
  EXPECT_LE(answer->size(), 1280U);
}

TEST(TooBig, NothingIsSaidWhereItMustNotBe) {
  EXPECT_FALSE(answer_to(test::udp(1450, {.may_be_cut = true})));
  EXPECT_FALSE(answer_to(test::udp(1450, {.destination = "224.0.0.5"})));
  EXPECT_FALSE(answer_to(test::udp(1450, {.v4 = false, .destination = "ff02::5"})));
  EXPECT_FALSE(answer_to(test::udp(1450, {.v4 = false}), 1200)) << "IPv6 has no such MTU";
  EXPECT_FALSE(answer_to(*answer_to(test::tcp(1450)), 100)) << "no error about an error";
  EXPECT_FALSE(answer_to(*answer_to(test::udp(1450, {.v4 = false}))));
  Bytes later = test::tcp(1450);
  later[7] = 100;
  EXPECT_FALSE(answer_to(later)) << "a later fragment";
}

}  // namespace
}  // namespace hasync::vped
