#include "testbed/capture/frame.h"

#include <gtest/gtest.h>

#include <random>

#include "frames.h"

namespace hasync::testbed {
namespace {

Frame decode(const Bytes& bytes) {
  return decode_frame(bytes, bytes.size());
}

TEST(Frame, ReadsEspWithItsNumberAndIv) {
  const auto frame = decode(esp_frame({.spi = 0xc1020304, .number = 77, .iv = 0x0102030405060708}));
  const auto* esp = std::get_if<EspPacket>(&frame);
  ASSERT_NE(esp, nullptr);
  EXPECT_EQ(esp->spi, 0xc1020304U);
  EXPECT_EQ(esp->number, 77U);
  EXPECT_EQ(esp->iv, (std::array<std::uint8_t, 8>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(esp->path.sender, kGateway1);
  EXPECT_EQ(to_string(esp->path.source), "192.0.2.100");
  EXPECT_EQ(to_string(esp->path.destination), "192.0.2.10");
  EXPECT_FALSE(esp->in_udp);
}

TEST(Frame, TellsEncapsulatedEspFromIkeByTheMarker) {
  const auto esp = decode(esp_frame({.in_udp = true}));
  ASSERT_TRUE(std::holds_alternative<EspPacket>(esp));
  EXPECT_TRUE(std::get<EspPacket>(esp).in_udp);
  EXPECT_TRUE(std::holds_alternative<IkeMessage>(decode(ike_frame({.port = 4500}))));
  EXPECT_TRUE(std::holds_alternative<IkeMessage>(decode(ike_frame({.port = 500}))));
  EXPECT_TRUE(std::holds_alternative<Keepalive>(decode(ipv4_frame(kPeer, false, 17, udp(4500, {0xff})))));
  EXPECT_TRUE(std::holds_alternative<Other>(decode(ipv4_frame(kPeer, false, 17, udp(53, {1, 2, 3})))));
}

TEST(Frame, ReadsAnIkeHeader) {
  const auto frame = decode(ike_frame({.exchange = 36, .message_id = 9, .by_peer = false, .response = true}));
  const auto* ike = std::get_if<IkeMessage>(&frame);
  ASSERT_NE(ike, nullptr);
  EXPECT_EQ(ike->initiator_spi, 0x1111U);
  EXPECT_EQ(ike->responder_spi, 0x2222U);
  EXPECT_EQ(ike->exchange, 36);
  EXPECT_EQ(ike->message_id, 9U);
  EXPECT_TRUE(ike->response);
  EXPECT_FALSE(ike->from_initiator);
  EXPECT_EQ(ike->fragment, 0);
}

TEST(Frame, ReadsTheNumberOfAnIkeFragment) {
  const auto frame = decode(ike_frame({.fragment = 2}));
  ASSERT_TRUE(std::holds_alternative<IkeMessage>(frame));
  EXPECT_EQ(std::get<IkeMessage>(frame).fragment, 2);
}

TEST(Frame, CountsFragmentsAndReadsTheFirst) {
  const Bytes esp = esp_frame({.number = 5});
  const Bytes payload(esp.begin() + 34, esp.end());
  const auto first = decode(ipv4_frame(kGateway1, true, 50, payload, 0x2000));
  ASSERT_TRUE(std::holds_alternative<EspPacket>(first));
  EXPECT_TRUE(std::get<EspPacket>(first).fragment);
  EXPECT_EQ(std::get<EspPacket>(first).number, 5U);
  EXPECT_TRUE(
      std::holds_alternative<LaterFragment>(decode(ipv4_frame(kGateway1, true, 50, payload, 0x0010))));
}

TEST(Frame, ReadsEspOverIpv6AndItsFragments) {
  const Bytes esp{0xc1, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8};
  const auto whole = decode(ipv6_frame(50, esp));
  ASSERT_TRUE(std::holds_alternative<EspPacket>(whole));
  EXPECT_EQ(std::get<EspPacket>(whole).number, 9U);
  EXPECT_EQ(to_string(std::get<EspPacket>(whole).path.source), "2001::1");
  Bytes later{50, 0, 0, 8, 0, 0, 0, 1};
  later.insert(later.end(), esp.begin(), esp.end());
  EXPECT_TRUE(std::holds_alternative<LaterFragment>(decode(ipv6_frame(44, later))));
}

TEST(Frame, ReadsWhoSaysUnaskedThatAnAddressIsItsOwn) {
  const auto arp = decode(arp_frame(kGateway2));
  ASSERT_TRUE(std::holds_alternative<Announcement>(arp));
  EXPECT_EQ(std::get<Announcement>(arp).sender, kGateway2);
  EXPECT_EQ(to_string(std::get<Announcement>(arp).address), "192.0.2.100");
  const auto advertisement = decode(advertisement_frame(kGateway1));
  ASSERT_TRUE(std::holds_alternative<Announcement>(advertisement));
  EXPECT_EQ(std::get<Announcement>(advertisement).sender, kGateway1);
  EXPECT_EQ(to_string(std::get<Announcement>(advertisement).address), "2001::1");
}

TEST(Frame, AQuestionAndItsAnswerAnnounceNothing) {
  EXPECT_TRUE(std::holds_alternative<Other>(decode(arp_frame(kGateway1, /*gratuitous=*/false))));
  EXPECT_TRUE(std::holds_alternative<Other>(decode(advertisement_frame(kGateway1, /*solicited=*/true))));
  EXPECT_TRUE(std::holds_alternative<Other>(decode(ipv6_frame(58, {128, 0, 0, 0, 0, 1, 0, 1}))));
}

TEST(Frame, FollowsOneVlanTag) {
  Bytes tagged = esp_frame({.number = 3});
  const Bytes tag{0x81, 0x00, 0x00, 0x05};
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  EXPECT_TRUE(std::holds_alternative<EspPacket>(decode(tagged)));
}

TEST(Frame, AcceptsAFrameThatTheRecordingCut) {
  const Bytes whole = esp_frame({.number = 4});
  const Bytes cut(whole.begin(), whole.begin() + 60);
  EXPECT_TRUE(std::holds_alternative<EspPacket>(decode_frame(cut, whole.size())));
}

TEST(Frame, NamesWhatIsMalformed) {
  const auto why = [](const Bytes& bytes) {
    const Frame frame = decode(bytes);
    const auto* bad = std::get_if<Malformed>(&frame);
    return bad == nullptr ? std::string("not malformed") : bad->why;
  };
  EXPECT_EQ(why({1, 2, 3}), "Ethernet header is cut");
  Bytes wrong_length = esp_frame({});
  wrong_length[16] = 0xff;
  EXPECT_EQ(why(wrong_length), "IPv4 total length");
  Bytes wrong_header = esp_frame({});
  wrong_header[14] = 0x41;
  EXPECT_EQ(why(wrong_header), "IPv4 version or header length");
  EXPECT_EQ(why(ipv4_frame(kPeer, false, 50, {1, 2, 3, 4})),
            "ESP packet is too short for SPI, number and IV");
  EXPECT_EQ(why(esp_frame({.spi = 3})), "ESP SPI below 256");
  EXPECT_EQ(why(ipv4_frame(kPeer, false, 17, {0, 1})), "UDP header is cut");
  EXPECT_EQ(why(ipv4_frame(kPeer, false, 17, udp(500, {1, 2, 3}))), "IKE header is cut");
  Bytes version1 = ike_frame({.port = 500});
  version1[14 + 20 + 8 + 17] = 0x10;
  EXPECT_EQ(why(version1), "IKE major version is not 2");
}

TEST(Frame, SurvivesEveryCutAndRandomChanges) {
  std::mt19937 random(1);
  for (const Bytes& good : {esp_frame({}), esp_frame({.in_udp = true}), ike_frame({}),
                            ike_frame({.fragment = 1}), ipv6_frame(44, Bytes(30, 1))}) {
    for (std::size_t length = 0; length <= good.size(); ++length) {
      const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
      decode_frame(cut, cut.size());
      decode_frame(cut, good.size());
    }
    for (int round = 0; round < 2000; ++round) {
      Bytes changed = good;
      for (int flips = 0; flips < 4; ++flips)
        changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
      decode_frame(changed, changed.size());
    }
  }
}

TEST(Frame, ParsesMacAndAddressOrRefuses) {
  Mac mac;
  EXPECT_TRUE(parse_mac("02:00:00:00:01:0a", mac));
  EXPECT_EQ(mac, kPeer);
  EXPECT_EQ(to_string(mac), "02:00:00:00:01:0a");
  EXPECT_FALSE(parse_mac("02:00:00:00:01", mac));
  EXPECT_FALSE(parse_mac("02:00:00:00:01:0a:1", mac));
  Address address;
  EXPECT_TRUE(parse_address("10.2.0.1", address));
  EXPECT_EQ(to_string(address), "10.2.0.1");
  EXPECT_FALSE(parse_address("10.2.0", address));
}

}  // namespace
}  // namespace hasync::testbed
