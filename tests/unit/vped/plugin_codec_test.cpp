// What charon's plugin says, what it is asked, and the keys that come of it.
#include "vped/plugin_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/vpe_children.h"
#include "vped/adapters/child_keys.h"

namespace hasync::vped {
namespace {

using testing::HasSubstr;

Result<PluginMessage> decode(const proto::FromPlugin& message) {
  return decode_plugin_message(view_of(message.SerializeAsString()));
}

template <typename Change>
std::string error_with(const Change& change) {
  proto::FromPlugin message = test::told_child();
  change(*message.mutable_event()->mutable_vpe_child());
  const auto decoded = decode(message);
  return decoded ? "none" : decoded.error().what;
}

TEST(PluginCodec, AChildIsReadWhole) {
  const auto message = decode(test::told_child());
  ASSERT_TRUE(message) << message.error().what;
  EXPECT_EQ(message->number, 3U);
  const auto& told = std::get<ToldChild>(message->content);
  const Child expected{.ike_sa = {0x1111, 0x2222},
                       .connection = "home",
                       .name = "net",
                       .reqid = 7,
                       .in = EspSpi{0xc0ffee01},
                       .out = EspSpi{0xc0ffee02},
                       .peer = Address::v4(192, 0, 2, 2),
                       .peer_port = 4510,
                       .local = {Prefix::parse("10.1.0.0/16").value()},
                       .remote = {Prefix::parse("10.2.0.0/16").value(), Prefix::parse("::/0").value()},
                       .pending = true,
                       .delete_in = std::chrono::seconds(3960)};
  EXPECT_EQ(told.child, expected);
  EXPECT_FALSE(told.of_cluster);
  EXPECT_EQ(told.share, (Share{std::nullopt, 2}));
  EXPECT_EQ(text_of(told.in.reveal()), std::string(20, 'i'));
  EXPECT_EQ(text_of(told.out.reveal()), std::string(36, 'o'));
}

TEST(PluginCodec, OfAClusterItHasAShareWhenTheLogHasGivenOne) {
  proto::FromPlugin message = test::told_child();
  proto::VpeChild& child = *message.mutable_event()->mutable_vpe_child();
  child.set_of_cluster(true);
  EXPECT_TRUE(std::get<ToldChild>(decode(message)->content).of_cluster);
  EXPECT_EQ(std::get<ToldChild>(decode(message)->content).share, std::nullopt);
  child.mutable_place()->set_node(3);
  child.mutable_place()->set_incarnation(31);
  EXPECT_EQ(std::get<ToldChild>(decode(message)->content).share, (Share{3, 31}));
  child.mutable_place()->set_incarnation(32);
  EXPECT_FALSE(decode(message));
  child.mutable_place()->set_incarnation(0);
  child.mutable_place()->set_node(16);
  EXPECT_FALSE(decode(message));
}

TEST(PluginCodec, WhatIsToBeRetiredIsReadAndTold) {
  proto::FromPlugin message;
  message.mutable_event()->set_number(4);
  proto::VpeRetire& retire = *message.mutable_event()->mutable_vpe_retire();
  retire.set_inbound_spi(0xc0ffee01);
  retire.set_reception(99);
  EXPECT_FALSE(decode(message)) << "no incarnation: nothing is below it";
  retire.set_incarnation(32);
  EXPECT_FALSE(decode(message));
  retire.set_incarnation(31);
  const Retire expected{EspSpi{0xc0ffee01}, 31, 99};
  EXPECT_EQ(std::get<Retire>(decode(message)->content), expected);

  const Bytes frame = encode_retired(5, {expected});
  proto::Request request;
  ASSERT_TRUE(request.ParseFromArray(frame.data() + 4, static_cast<int>(frame.size() - 4)));
  EXPECT_EQ(request.id(), 5U);
  ASSERT_EQ(request.retired_vpe().done_size(), 1);
  EXPECT_EQ(request.retired_vpe().done(0).SerializeAsString(), retire.SerializeAsString());
}

TEST(PluginCodec, WhatCannotBeVpeIsRefusedByName) {
  using C = proto::VpeChild;
  EXPECT_THAT(error_with([](C& c) { c.set_inbound_spi(255); }), HasSubstr("SPI is reserved"));
  EXPECT_THAT(error_with([](C& c) { c.mutable_remote()->set_port(0); }), HasSubstr("remote.port"));
  EXPECT_THAT(error_with([](C& c) { c.mutable_remote()->set_port(65536); }), HasSubstr("remote.port"));
  EXPECT_THAT(error_with([](C& c) { c.mutable_remote()->set_address("abc"); }), HasSubstr("remote"));
  EXPECT_THAT(error_with([](C& c) { c.clear_local_ts(); }), HasSubstr("local_ts: none"));
  EXPECT_THAT(error_with([](C& c) { c.mutable_local_ts(0)->set_protocol(6); }), HasSubstr("local_ts"));
  EXPECT_THAT(error_with([](C& c) { c.mutable_local_ts(0)->set_to_port(80); }), HasSubstr("local_ts"));
  EXPECT_THAT(error_with([](C& c) { c.mutable_remote_ts(0)->set_to_address("\x0a\x02\xff\xfe"); }),
              HasSubstr("remote_ts: not a whole prefix"));
  EXPECT_THAT(error_with([](C& c) { c.set_inbound_key(std::string(24, 'k')); }), HasSubstr("inbound_key"));
  EXPECT_THAT(error_with([](C& c) { c.set_outbound_key(""); }), HasSubstr("outbound_key"));
  EXPECT_FALSE(decode_plugin_message(view_of("\xff\xff")));
}

TEST(PluginCodec, OtherMessages) {
  proto::FromPlugin message;
  EXPECT_TRUE(std::holds_alternative<Unknown>(decode(message)->content));
  message.mutable_event()->mutable_vpe_gone()->set_inbound_spi(0x1001);
  EXPECT_EQ(std::get<GoneChild>(decode(message)->content).in, EspSpi{0x1001});
  message.mutable_event()->mutable_synced();
  EXPECT_TRUE(std::holds_alternative<Synced>(decode(message)->content));
  message.mutable_event()->mutable_changed();
  EXPECT_TRUE(std::holds_alternative<Unknown>(decode(message)->content));
  message.mutable_reply()->set_id(4);
  message.mutable_reply()->set_code(proto::CONFLICT);
  message.mutable_reply()->set_text("no");
  const auto reply = decode(message);
  EXPECT_EQ(std::get<Answer>(reply->content).id, 4U);
  EXPECT_TRUE(std::get<Answer>(reply->content).refused);
  EXPECT_EQ(std::get<Answer>(reply->content).text, "no");
}

void feed(FrameCutter& cutter, BytesView bytes) {
  ASSERT_GE(cutter.room().size(), bytes.size());
  std::ranges::copy(bytes, cutter.room().begin());
  cutter.filled(bytes.size());
}

TEST(FrameCutter, CutsWhatComesInAnyPieces) {
  const Bytes stream = {0, 0, 0, 2, 'a', 'b', 0, 0, 0, 0, 0, 0, 0, 1, 'c'};
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    FrameCutter cutter;
    std::vector<std::string> came;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      feed(cutter, BytesView(stream).subspan(at, std::min(piece, stream.size() - at)));
      for (auto next = cutter.next(); next.value(); next = cutter.next()) {
        came.emplace_back(text_of(**next));
        cutter.take();
      }
    }
    EXPECT_THAT(came, testing::ElementsAre("ab", "", "c")) << piece;
  }
}

TEST(FrameCutter, RefusesALengthBeyondTheLimitAtOnce) {
  FrameCutter cutter;
  feed(cutter, Bytes{0, 0x10, 0, 1});
  EXPECT_FALSE(cutter.next());
  cutter.clear();
  feed(cutter, Bytes{0, 0x10, 0, 0});
  EXPECT_EQ(cutter.next().value(), std::nullopt) << "1 MiB is what a frame may have";
}

TEST(FrameCutter, RequestsAreFramesOfTheSchema) {
  FrameCutter cutter;
  feed(cutter, encode_offer(5, Address::v4(192, 0, 2, 1), 4510));
  proto::Request request;
  const auto first = cutter.next();
  ASSERT_TRUE(request.ParseFromString(std::string(text_of(**first))));
  EXPECT_EQ(request.id(), 5U);
  EXPECT_EQ(request.offer_vpe().host().port(), 4510U);
  EXPECT_EQ(request.offer_vpe().host().address(), std::string("\xc0\0\x02\x01", 4));
  cutter.take();
  feed(cutter, encode_rekey(6, {.ike_sa = {1, 2}, .in = EspSpi{0x1001}}));
  const auto second = cutter.next();
  ASSERT_TRUE(request.ParseFromString(std::string(text_of(**second))));
  EXPECT_EQ(request.rekey().sa().responder_spi(), 2U);
  EXPECT_EQ(request.rekey().child_inbound_spi(), 0x1001U);
}

std::string derived(std::size_t size, std::uint32_t spi) {
  Bytes keymat(size);
  for (std::size_t i = 0; i < size; ++i) keymat[i] = static_cast<std::uint8_t>(i);
  const auto key = derive_vpe_key(keymat, EspSpi{spi});
  if (!key) return key.error().what;
  std::string out;
  for (const std::uint8_t byte : key->reveal()) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15U];
  }
  return out;
}

// Computed by HKDF of Python's cryptography: key 00 01 02 ..., no salt, info "VPE 1 AES-GCM" c0ffee01.
TEST(ChildKeys, AreThoseOfAnotherImplementation) {
  EXPECT_EQ(derived(20, 0xc0ffee01), "d91fc49f899030714d6bc71869e4ba2b");
  EXPECT_EQ(derived(36, 0xc0ffee01), "d125e56d28657a156a405c31809eec967c4b604fc7c123a6a399439cc03c046e");
}

TEST(ChildKeys, DependOnTheSpi) {
  EXPECT_NE(derived(20, 0xc0ffee01), derived(20, 0xc0ffee02));
}

TEST(ChildKeys, OfAnotherLengthAreNone) {
  for (const std::size_t size : {0U, 16U, 19U, 28U, 32U, 40U})
    EXPECT_THAT(derived(size, 1000), HasSubstr("not a key"));
}

}  // namespace
}  // namespace hasync::vped
