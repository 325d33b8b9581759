#include "testbed/capture/checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "frames.h"
#include "testbed/capture/report.h"

namespace hasync::testbed {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kStart = 1'700'000'000'000 * kMs;

// Books frames one millisecond apart, unless told to wait.
class Wire {
 public:
  explicit Wire(CheckerOptions options = {}) : checker(std::move(options)) {}
  Wire& see(const Bytes& frame) {
    checker.book(frame, frame.size(), now_);
    now_ += kMs;
    return *this;
  }
  Wire& esp(std::uint32_t number, Mac sender = kGateway1) {
    return see(esp_frame({.number = number, .sender = sender}));
  }
  Wire& ike(std::uint32_t id, Mac sender) {
    return see(ike_frame({.message_id = id, .by_peer = false, .gateway = sender}));
  }
  Wire& announce(Mac sender) { return see(arp_frame(sender)); }
  Wire& wait(std::int64_t milliseconds) {
    now_ += milliseconds * kMs;
    return *this;
  }
  const EspLedger& only_sa() const { return checker.sas().begin()->second; }

  Checker checker;

 private:
  std::int64_t now_ = kStart;
};

TEST(Checker, AnOrdinaryTunnelIsClean) {
  Wire wire;
  for (std::uint32_t number = 1; number <= 100; ++number)
    wire.esp(number).see(esp_frame({.spi = 0xd0000001, .number = number, .sender = kPeer, .to_peer = false}));
  EXPECT_THAT(wire.checker.violations(), IsEmpty());
  EXPECT_EQ(wire.checker.sas().size(), 2U);
  EXPECT_EQ(wire.checker.esp_packets(), 200U);
}

TEST(Checker, ANumberThatAppearsTwiceIsFound) {
  Wire wire;
  wire.esp(1).esp(2).esp(3).see(esp_frame({.number = 2, .iv = 0x99}));
  EXPECT_EQ(wire.checker.repeated_numbers(), 1U);
  EXPECT_EQ(wire.checker.repeated_ivs(), 0U);
  EXPECT_EQ(wire.only_sa().number_examples().at(0).value, 2U);
  EXPECT_THAT(wire.checker.violations(), ElementsAre(HasSubstr("1 ESP packets with a sequence number")));
}

TEST(Checker, TheVerySameFrameTwiceCountsToo) {
  Wire wire;
  wire.esp(1).esp(1);
  EXPECT_EQ(wire.checker.repeated_numbers(), 1U);
  EXPECT_EQ(wire.checker.repeated_ivs(), 1U);
}

TEST(Checker, AnIvThatAppearsTwiceIsFound) {
  Wire wire;
  wire.see(esp_frame({.number = 1, .iv = 0x42})).see(esp_frame({.number = 2, .iv = 0x42}));
  EXPECT_EQ(wire.checker.repeated_numbers(), 0U);
  EXPECT_EQ(wire.checker.repeated_ivs(), 1U);
  EXPECT_EQ(wire.only_sa().iv_examples().at(0).value, 0x42U);
}

TEST(Checker, OneIvOnTwoSasIsNoRepeat) {
  Wire wire;
  wire.see(esp_frame({.spi = 0xc1000001, .iv = 0x42})).see(esp_frame({.spi = 0xc1000002, .iv = 0x42}));
  EXPECT_THAT(wire.checker.violations(), IsEmpty());
}

TEST(Checker, LatePacketsAreNoRepeats) {
  Wire wire;
  wire.esp(1).esp(4).esp(2).esp(3);
  EXPECT_THAT(wire.checker.violations(), IsEmpty());
  EXPECT_EQ(wire.only_sa().highest_number(), 4U);
}

TEST(Checker, NumbersMayWrapOnceAcrossAShortStep) {
  Wire wire;
  wire.esp(0xfffffffe).esp(0xffffffff).esp(0).esp(1);
  wire.see(esp_frame({.number = 0xfffffffd, .iv = 7}));  // late, from before the wrap
  EXPECT_EQ(wire.only_sa().wraps(), 1U);
  EXPECT_EQ(wire.only_sa().highest_number(), 0x100000001U);
  EXPECT_EQ(wire.checker.repeated_numbers(), 0U);
  wire.see(esp_frame({.number = 0xffffffff, .iv = 8}));
  EXPECT_EQ(wire.checker.repeated_numbers(), 1U);
}

TEST(Checker, ACounterSetBackIsNotTakenForAWrap) {
  Wire wire;
  wire.esp(1).esp(0x80000010).see(esp_frame({.number = 1, .iv = 5}));
  EXPECT_EQ(wire.only_sa().wraps(), 0U);
  EXPECT_EQ(wire.checker.repeated_numbers(), 1U);
}

TEST(Checker, ATakeoverShowsItsJumpItsSilenceAndItsSenders) {
  Wire wire;
  wire.esp(10).esp(11).wait(400).esp(65548, kGateway2).esp(65549, kGateway2);
  EXPECT_THAT(wire.checker.violations(), IsEmpty());
  ASSERT_EQ(wire.only_sa().jumps().size(), 1U);
  EXPECT_EQ(wire.only_sa().jumps()[0].before, 11U);
  EXPECT_EQ(wire.only_sa().jumps()[0].after, 65548U);
  ASSERT_EQ(wire.only_sa().turns().size(), 2U);
  EXPECT_EQ(wire.only_sa().turns()[0].packets, 2U);
  EXPECT_EQ(wire.only_sa().turns()[1].sender, kGateway2);
  const auto& flow = wire.checker.flows().begin()->second;
  ASSERT_EQ(flow.silences().size(), 1U);
  EXPECT_EQ(flow.silences()[0].to_ns - flow.silences()[0].from_ns, 401 * kMs);
}

TEST(Checker, TwoNodesSendingByTurnsAreTwoOwners) {
  Wire wire;
  wire.esp(1).esp(1000, kGateway2).esp(2).esp(1001, kGateway2);
  EXPECT_EQ(wire.checker.two_owner_packets(), 2U);
  EXPECT_THAT(wire.checker.violations(), ElementsAre(HasSubstr("heard again")));
}

TEST(Checker, ANodeThatComesBackLaterIsNoSecondOwner) {
  Wire wire;
  wire.esp(1).esp(1000, kGateway2).wait(5000).esp(2000);
  EXPECT_THAT(wire.checker.violations(), IsEmpty());
}

TEST(Checker, AnOwnerThatDoesNotNoticeIsOneTooMany) {
  Wire wire;
  wire.esp(1).announce(kGateway2).esp(1000, kGateway2).wait(5000).esp(2).esp(3).esp(1001, kGateway2);
  EXPECT_EQ(wire.checker.two_owner_packets(), 2U);
  ASSERT_EQ(wire.checker.owners().strays().size(), 2U);
  EXPECT_EQ(wire.checker.owners().strays()[0].path.sender, kGateway1);
}

TEST(Checker, ItsFirstPacketInARecordingIsOneTooManyAlready) {
  Wire wire;
  wire.announce(kGateway2).esp(1000, kGateway2).wait(5000).esp(2);
  EXPECT_EQ(wire.checker.two_owner_packets(), 1U);
}

TEST(Checker, WhoIsGivenATunnelBackIsNoSecondOwner) {
  Wire wire;
  wire.esp(1).announce(kGateway2).esp(1000, kGateway2).announce(kGateway1).esp(2000).ike(4, kGateway1);
  EXPECT_THAT(wire.checker.violations(), IsEmpty());
  wire.esp(1001, kGateway2);
  EXPECT_EQ(wire.checker.two_owner_packets(), 1U);
}

TEST(Checker, ItsFirstPacketMayPassBeforeItsAnnouncement) {
  Wire wire;
  wire.announce(kGateway2).esp(1000, kGateway2).wait(5000).esp(2000).wait(100).announce(kGateway1);
  EXPECT_THAT(wire.checker.violations(), IsEmpty());
  wire.announce(kGateway2).wait(5000).esp(2001).wait(200).announce(kGateway1);
  EXPECT_EQ(wire.checker.two_owner_packets(), 1U);
}

TEST(Checker, AnotherSaOfTheSameSegmentHidesNobody) {
  Wire wire;
  wire.esp(1).announce(kGateway2);
  wire.see(esp_frame({.spi = 0xc1000002, .number = 1, .sender = kGateway2}));  // rekeyed by the new owner
  wire.wait(5000).esp(2);
  EXPECT_EQ(wire.checker.two_owner_packets(), 1U);
}

TEST(Checker, OwnersAreJudgedByTheirIkeToo) {
  Wire announced;
  announced.announce(kGateway2).ike(2, kGateway2).wait(5000).ike(3, kGateway1);
  EXPECT_EQ(announced.checker.two_owner_packets(), 1U);
  Wire silent;
  silent.ike(2, kGateway1).esp(1000, kGateway2).ike(3, kGateway1);
  EXPECT_EQ(silent.checker.two_owner_packets(), 1U);
  Wire encapsulated;
  encapsulated.announce(kGateway2).see(esp_frame({.in_udp = true}));
  EXPECT_EQ(encapsulated.checker.two_owner_packets(), 1U);
}

TEST(Checker, AGatewaysOwnAddressIsNobodyElses) {
  Wire wire;
  wire.announce(kGateway1).see(ipv6_frame(50, Bytes(64, 0x5a), kGateway2)).esp(1);
  wire.see(esp_frame({.spi = 0xd0000001, .sender = kPeer, .to_peer = false}));
  EXPECT_THAT(wire.checker.violations(), IsEmpty());
  wire.see(advertisement_frame(kGateway1)).see(ipv6_frame(50, Bytes(64, 0x5b), kGateway2));
  EXPECT_EQ(wire.checker.two_owner_packets(), 1U);
}

constexpr std::uint8_t kSaInit = 34;
constexpr std::uint8_t kAuth = 35;
constexpr std::uint8_t kCreateChildSa = 36;

void establish(Wire& wire, std::uint64_t spi, bool by_peer = true) {
  const bool answer_by_peer = !by_peer;
  wire.see(ike_frame(
      {.initiator_spi = spi, .responder_spi = 0, .exchange = kSaInit, .by_peer = by_peer, .port = 500}));
  wire.see(ike_frame(
      {.initiator_spi = spi, .exchange = kSaInit, .by_peer = answer_by_peer, .response = true, .port = 500}));
  for (std::uint32_t id = 1; id <= 3; ++id) {  // EAP: several rounds of one authentication
    wire.see(ike_frame({.initiator_spi = spi, .exchange = kAuth, .message_id = id, .by_peer = by_peer}));
    wire.see(ike_frame({.initiator_spi = spi,
                        .exchange = kAuth,
                        .message_id = id,
                        .by_peer = answer_by_peer,
                        .response = true}));
  }
}

TEST(Checker, TheFirstAuthenticationIsNoneAgain) {
  Wire wire;
  establish(wire, 0x1111);
  EXPECT_EQ(wire.checker.ike().reauthentications(), 0U);
  EXPECT_EQ(wire.checker.ike().count(kSaInit), 1U);
  EXPECT_THAT(wire.checker.violations(), IsEmpty());
}

TEST(Checker, ASecondAuthenticationIsFound) {
  Wire wire;
  establish(wire, 0x1111);
  establish(wire, 0x3333);
  EXPECT_EQ(wire.checker.ike().reauthentications(), 1U);
  EXPECT_THAT(wire.checker.violations(), ElementsAre(HasSubstr("authentications after a peer's first")));
}

TEST(Checker, AnAuthenticationBegunByTheGatewayCountsForItsPeer) {
  CheckerOptions options;
  Address gateway;
  parse_address("192.0.2.100", gateway);
  options.ike.gateways = {gateway};
  Wire wire(options);
  establish(wire, 0x1111, /*by_peer=*/false);
  EXPECT_EQ(wire.checker.ike().reauthentications(), 0U);
  establish(wire, 0x3333, /*by_peer=*/true);
  EXPECT_EQ(wire.checker.ike().reauthentications(), 1U);
}

TEST(Checker, WithTunnelsAlreadyUpEachAuthenticationIsOneTooMany) {
  CheckerOptions options;
  options.ike.already_up = true;
  Wire wire(options);
  establish(wire, 0x1111);
  EXPECT_EQ(wire.checker.ike().reauthentications(), 1U);
}

TEST(Checker, ARekeyIsCountedOnceHoweverOftenItWasSent) {
  Wire wire;
  const IkeFields request{.exchange = kCreateChildSa, .message_id = 4};
  const IkeFields answer{.exchange = kCreateChildSa, .message_id = 4, .by_peer = false, .response = true};
  wire.see(ike_frame(request)).see(ike_frame(request)).see(ike_frame(answer)).see(ike_frame(answer));
  EXPECT_EQ(wire.checker.ike().rekeys(), 1U);
  EXPECT_EQ(wire.checker.ike().retransmissions(), 2U);
  EXPECT_EQ(wire.checker.ike().conflicts(), 0U);
}

TEST(Checker, BothEndsMayUseTheSameIdForTheirOwnRequests) {
  Wire wire;
  wire.see(ike_frame({.message_id = 2, .by_peer = true, .content = 1}));
  wire.see(ike_frame({.message_id = 2, .by_peer = false, .content = 2}));
  EXPECT_EQ(wire.checker.ike().exchanges().size(), 2U);
  EXPECT_EQ(wire.checker.ike().conflicts(), 0U);
  EXPECT_EQ(wire.checker.ike().unanswered(), 2U);
}

TEST(Checker, AnIdUsedForTwoMessagesIsFound) {
  Wire wire;
  wire.see(ike_frame({.message_id = 2, .content = 1})).see(ike_frame({.message_id = 2, .content = 2}));
  EXPECT_EQ(wire.checker.ike().conflicts(), 1U);
  EXPECT_THAT(wire.checker.violations(), ElementsAre(HasSubstr("reuse a message ID")));
}

TEST(Checker, FragmentsOfOneMessageAreNoConflict) {
  Wire wire;
  wire.see(ike_frame({.message_id = 2, .content = 1, .fragment = 1}));
  wire.see(ike_frame({.message_id = 2, .content = 2, .fragment = 2}));
  EXPECT_EQ(wire.checker.ike().conflicts(), 0U);
}

TEST(Checker, GarbageIsCountedAndNothingElse) {
  std::mt19937 random(7);
  Wire wire;
  for (int round = 0; round < 5000; ++round) {
    Bytes bytes(random() % 120);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    if (bytes.size() > 14) bytes[12] = 8, bytes[13] = 0;
    wire.see(bytes);
  }
  EXPECT_EQ(wire.checker.frames(), 5000U);
  EXPECT_FALSE(wire.checker.malformed().empty());
  EXPECT_THAT(wire.checker.violations(), IsEmpty());
}

TEST(Checker, EvidenceWithHolesIsNoProof) {
  Wire wire;
  wire.esp(1);
  wire.checker.book_dropped(0);
  EXPECT_THAT(wire.checker.violations(), IsEmpty());
  wire.checker.book_dropped(3);
  EXPECT_THAT(wire.checker.violations(), ElementsAre(HasSubstr("3 frames that the recording missed")));
}

TEST(Report, NamesNodesAndSaysItInJsonAndInText) {
  Wire wire;
  wire.esp(1).announce(kGateway2).esp(70000, kGateway2).esp(70000, kGateway2).esp(2);
  const NodeNames names{{kGateway1, "gw1"}, {kGateway2, "gw2"}};
  const auto json = to_json(wire.checker, names);
  EXPECT_EQ(json["clean"], false);
  EXPECT_EQ(json["duplicate_esp_sequence_numbers"], 1);
  EXPECT_EQ(json["duplicate_nonces"], 1);
  EXPECT_TRUE(json["capture_dropped"].is_null());
  EXPECT_EQ(json["sas"][0]["turns"][1]["sender"], "gw2");
  EXPECT_EQ(json["sas"][0]["jumps"][0]["after"], 70000);
  EXPECT_EQ(json["owners"]["192.0.2.100"], "gw2");
  EXPECT_EQ(json["two_owner_packets"], 1);
  EXPECT_EQ(json["two_owner_examples"][0]["sender"], "gw1");
  EXPECT_THAT(to_text(wire.checker, names), HasSubstr("VIOLATION: 1 ESP packets with a sequence number"));
}

}  // namespace
}  // namespace hasync::testbed
