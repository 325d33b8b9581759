#include "ctx-transfer/context_codec.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "tests/support/context_samples.h"

namespace hasync::ctx {
namespace {

std::string bytes_of(const proto::Context& context) {
  return context.SerializeAsString();
}

OutboundKey outbound(std::uint32_t spi) {
  return {Address::v4(192, 0, 2, 10), EspSpi{spi}};
}

TEST(ContextCodec, ShowsWhatTheDaemonNeeds) {
  const auto view = decode_context(bytes_of(sample_context()));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->sa, (SaId{0x1111111111111111, 0x2222222222222222}));
  EXPECT_EQ(view->connection, "tunnel");
  EXPECT_EQ(view->remote_id, "peer");
  EXPECT_EQ(view->peer, Address::v4(192, 0, 2, 10));
  EXPECT_EQ(view->local, Address::v4(192, 0, 2, 100));
  EXPECT_EQ(view->peer_port, 4500);
  ASSERT_EQ(view->children.size(), 1U);
  EXPECT_EQ(view->children[0].outbound, (OutboundKey{Address::v4(192, 0, 2, 10), EspSpi{0xd0000001}}));
  EXPECT_EQ(view->children[0].outbound_number, 1000U);
}

TEST(ContextCodec, ShowsWhatIsVpe) {
  proto::Context context = sample_context();
  context.mutable_children(0)->set_vpe_port(4510);
  EXPECT_TRUE(decode_context(bytes_of(context))->children[0].vpe);
  EXPECT_FALSE(decode_context(bytes_of(context))->children[0].vpe_counted);
  context.mutable_children(0)->set_vpe_counted(true);
  EXPECT_TRUE(decode_context(bytes_of(context))->children[0].vpe_counted);
  EXPECT_FALSE(decode_context(bytes_of(sample_context()))->children[0].vpe);
}

TEST(ContextCodec, AnIdentityThatIsNotTextIsHexadecimal) {
  proto::Context context = sample_context();
  context.mutable_ike()->mutable_remote_id()->set_type(9);
  context.mutable_ike()->mutable_remote_id()->set_data(std::string("0\x01", 2));
  EXPECT_EQ(decode_context(bytes_of(context))->remote_id, "3001");
}

TEST(ContextCodec, ANewerMajorVersionIsRefusedClearly) {
  proto::Context context = sample_context();
  context.set_major(2);
  const auto view = decode_context(bytes_of(context));
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().code, Errc::Unsupported);
  EXPECT_NE(view.error().what.find("context.major: 2 is newer than 1"), std::string::npos);
}

TEST(ContextCodec, DamageIsNamed) {
  const auto refused = [](auto damage) {
    proto::Context context = sample_context();
    damage(context);
    const auto view = decode_context(bytes_of(context));
    return view ? std::string() : view.error().what;
  };
  const auto named = [&](const char* field, auto damage) {
    const std::string text = refused(damage);
    EXPECT_NE(text.find(field), std::string::npos) << field << ": " << text;
  };
  named("context.major", [](auto& c) { c.set_major(0); });
  named("context.ike.initiator_spi", [](auto& c) { c.clear_ike(); });
  named("context.ike.remote.address", [](auto& c) { c.mutable_ike()->mutable_remote()->set_address("x"); });
  named("context.ike.remote.port", [](auto& c) { c.mutable_ike()->mutable_remote()->set_port(65536); });
  named("context.children.outbound_spi", [](auto& c) { c.mutable_children(0)->set_outbound_spi(0); });
  EXPECT_FALSE(decode_context("\xff\xff"));
  EXPECT_FALSE(decode_context(""));
}

TEST(ContextCodec, OutboundNumbersAreSetAndNothingElseChanges) {
  proto::Context context = sample_context();
  *context.add_children() = proto::ChildSa(context.children(0));
  context.mutable_children(1)->set_inbound_spi(0xc0000002);
  context.mutable_children(1)->set_outbound_spi(0xd0000002);
  const auto changed = with_numbers(bytes_of(context), {{outbound(0xd0000002), 70000}});
  ASSERT_TRUE(changed);
  context.mutable_children(1)->set_outbound_number(70000);
  EXPECT_EQ(text_of(changed->reveal()), bytes_of(context));
}

TEST(ContextCodec, AChildSaThatIsLeftOutIsGoneAndNothingElseChanges) {
  const proto::Context context = sample_context();
  proto::Context both = context;
  *both.add_children() = proto::ChildSa(context.children(0));
  both.mutable_children(0)->set_inbound_spi(0xc0000002);
  both.mutable_children(0)->set_outbound_spi(0xd0000002);
  const auto changed = with_numbers(bytes_of(both), {}, {}, {EspSpi{0xd0000002}});
  ASSERT_TRUE(changed);
  EXPECT_EQ(text_of(changed->reveal()), bytes_of(context));
}

TEST(ContextCodec, ARekeyUnderWaySurvivesWithWhatANewerProgramSaysOfIt) {
  proto::Context context = sample_context();
  auto& rekey = *context.mutable_ike()->mutable_outstanding_requests(0)->mutable_rekey();
  proto::OwnRekey::GetReflection()->MutableUnknownFields(&rekey)->AddLengthDelimited(2000)->assign("new");
  const auto changed = with_numbers(bytes_of(context), {{outbound(0xd0000001), 5000}});
  ASSERT_TRUE(changed) << changed.error().what;
  proto::Context read;
  ASSERT_TRUE(read.ParseFromString(std::string(text_of(changed->reveal()))));
  EXPECT_EQ(read.ike().outstanding_requests(0).SerializeAsString(),
            context.ike().outstanding_requests(0).SerializeAsString());
}

TEST(ContextCodec, AWindowIsRaisedToItsMarkAndFilledAndNeverLowered) {
  const proto::Context context = sample_context();
  const auto put = [&](std::uint64_t mark) {
    const auto changed =
        with_numbers(bytes_of(context), {}, [mark](const InboundKey& key, std::uint64_t top) {
          EXPECT_EQ(key, (InboundKey{Address::v4(192, 0, 2, 100), EspSpi{0xc0000001}}));
          EXPECT_EQ(top, 2000U);
          return mark;
        });
    proto::Context out;
    EXPECT_TRUE(out.ParseFromString(std::string(text_of(changed->reveal()))));
    return out.children(0);
  };
  EXPECT_EQ(put(5000).inbound_top(), 5000U);
  EXPECT_EQ(put(5000).replay_bitmap(), "");  // what a context does not show counts as seen
  EXPECT_EQ(put(1999).inbound_top(), 2000U);
  EXPECT_EQ(put(1999).replay_bitmap(), context.children(0).replay_bitmap());
  EXPECT_EQ(put(1ULL << 32U).inbound_top(), 2000U);  // no number of an SA without ESN
}

TEST(ContextCodec, FieldsOfANewerMinorVersionSurvive) {
  // field 2000, a string, appended to the CHILD_SA, as a newer program would
  proto::Context context = sample_context();
  std::string child = context.children(0).SerializeAsString() + std::string("\x82\x7d\x03new", 6);
  context.clear_children();
  const std::string bytes = bytes_of(context) + "\x22" +
                            static_cast<char>(static_cast<unsigned char>(child.size() & 0x7f) | 0x80) +
                            static_cast<char>(child.size() >> 7) + child;
  const auto changed = with_numbers(bytes, {{outbound(0xd0000001), 5000}});
  ASSERT_TRUE(changed) << changed.error().what;
  const std::string_view text = text_of(changed->reveal());
  EXPECT_NE(text.find("new"), std::string::npos);
  EXPECT_EQ(decode_context(text)->children.at(0).outbound_number, 5000U);
}

}  // namespace
}  // namespace hasync::ctx
