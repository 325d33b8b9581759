#include "context_check.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "arena.h"
#include "tests/support/context_samples.h"

namespace {

using hasync::proto::Context;

struct Verdict {
  bool good = false;
  Hasync__Proto__ErrorCode code = HASYNC__PROTO__ERROR_CODE__OK;
  std::string text;
};

Verdict check(const Context& context) {
  const std::string bytes = context.SerializeAsString();
  hasync_arena_t arena;
  hasync_arena_init(&arena);
  auto* decoded = hasync__proto__context__unpack(&arena.allocator, bytes.size(),
                                                 reinterpret_cast<const std::uint8_t*>(bytes.data()));
  hasync_error_t error{};
  const bool good = hasync_context_check(decoded, &error);
  hasync_arena_clear(&arena);
  return {good, error.code, error.text};
}

hasync::proto::IkeSa& ike(Context& c) {
  return *c.mutable_ike();
}
hasync::proto::OwnRekey& rekey(Context& c) {
  return *ike(c).mutable_outstanding_requests(0)->mutable_rekey();
}
hasync::proto::ChildSa& child(Context& c) {
  return *c.mutable_children(0);
}

TEST(ContextCheck, TakesCompleteContexts) {
  EXPECT_TRUE(check(hasync::sample_context()).good) << check(hasync::sample_context()).text;
  EXPECT_TRUE(check(hasync::sample_classic_context()).good) << check(hasync::sample_classic_context()).text;
}

TEST(ContextCheck, TakesAnIkeSaWithoutChildren) {
  Context context = hasync::sample_context();
  context.clear_children();
  EXPECT_TRUE(check(context).good);
}

TEST(ContextCheck, TakesRekeysOfEitherKindWithAndWithoutAKeyExchange) {
  Context context = hasync::sample_context();
  rekey(context).clear_private_value();
  EXPECT_TRUE(check(context).good);
  rekey(context).clear_key_exchange();
  EXPECT_TRUE(check(context).good);
  rekey(context).set_key_exchange(31);
  rekey(context).clear_child_inbound_spi();
  rekey(context).set_spi(0xffeeddccbbaa9988);
  EXPECT_TRUE(check(context).good);
}

TEST(ContextCheck, RefusesNothing) {
  hasync_error_t error{};
  EXPECT_FALSE(hasync_context_check(nullptr, &error));
  EXPECT_STREQ(error.text, "context: missing");
}

TEST(ContextCheck, SaysThatANewerMajorVersionIsNotUnderstood) {
  Context context = hasync::sample_context();
  context.set_major(2);
  const Verdict verdict = check(context);
  EXPECT_EQ(verdict.code, HASYNC__PROTO__ERROR_CODE__UNSUPPORTED);
  EXPECT_EQ(verdict.text, "context.major: 2 is newer than 1, which this plugin understands");
}

// One thing is made wrong; the text has to name it.
struct Damage {
  const char* names;
  std::function<void(Context&)> damage;
};

void PrintTo(const Damage& damage, std::ostream* out) {
  *out << damage.names;
}

class DamagedContext : public testing::TestWithParam<Damage> {};

TEST_P(DamagedContext, IsRefusedAndTheFieldIsNamed) {
  Context context = hasync::sample_context();
  GetParam().damage(context);
  const Verdict verdict = check(context);
  EXPECT_FALSE(verdict.good);
  EXPECT_NE(verdict.text.find(GetParam().names), std::string::npos) << verdict.text;
}

INSTANTIATE_TEST_SUITE_P(
    Ike, DamagedContext,
    testing::Values(
        Damage{"context.major", [](Context& c) { c.clear_major(); }},
        Damage{"context.ike: missing", [](Context& c) { c.clear_ike(); }},
        Damage{"ike.initiator_spi", [](Context& c) { ike(c).clear_initiator_spi(); }},
        Damage{"ike.responder_spi", [](Context& c) { ike(c).clear_responder_spi(); }},
        Damage{"ike.encryption", [](Context& c) { ike(c).clear_encryption(); }},
        Damage{"ike.encryption", [](Context& c) { ike(c).mutable_encryption()->set_id(999); }},
        Damage{"ike.encryption", [](Context& c) { ike(c).mutable_encryption()->set_key_bits(129); }},
        Damage{"does not encrypt", [](Context& c) { ike(c).mutable_encryption()->set_id(21); }},
        Damage{"ike.integrity", [](Context& c) { ike(c).mutable_integrity()->set_id(12); }},
        Damage{"ike.integrity", [](Context& c) { ike(c).mutable_encryption()->set_id(12); }},
        Damage{"ike.prf", [](Context& c) { ike(c).clear_prf(); }},
        Damage{"ike.prf", [](Context& c) { ike(c).mutable_prf()->set_id(77); }},
        Damage{"ike.sk_d", [](Context& c) { ike(c).mutable_sk_d()->pop_back(); }},
        Damage{"ike.sk_ei", [](Context& c) { ike(c).clear_sk_ei(); }},
        Damage{"ike.sk_er", [](Context& c) { ike(c).mutable_sk_er()->push_back('x'); }},
        Damage{"ike.sk_ai", [](Context& c) { ike(c).set_sk_ai("x"); }},
        Damage{"last_response.message_id",
               [](Context& c) { ike(c).mutable_last_response()->set_message_id(7); }},
        Damage{"last_response.packets", [](Context& c) { ike(c).mutable_last_response()->clear_packets(); }},
        Damage{"last_response.packets",
               [](Context& c) { ike(c).mutable_last_response()->set_packets(0, "short"); }},
        Damage{"last_request_hash", [](Context& c) { ike(c).set_last_request_hash("x"); }},
        Damage{"outstanding_requests.message_id",
               [](Context& c) { ike(c).mutable_outstanding_requests(0)->set_message_id(4); }},
        Damage{"local_id", [](Context& c) { ike(c).clear_local_id(); }},
        Damage{"remote_id", [](Context& c) { ike(c).mutable_remote_id()->set_type(256); }},
        Damage{"remote_eap_id",
               [](Context& c) { ike(c).mutable_remote_eap_id()->set_data(std::string(5000, 'e')); }},
        Damage{"ike.local: missing", [](Context& c) { ike(c).clear_local(); }},
        Damage{"ike.remote.address", [](Context& c) { ike(c).mutable_remote()->set_address("12345"); }},
        Damage{"ike.remote.address",
               [](Context& c) { ike(c).mutable_remote()->set_address(std::string(16, '2')); }},
        Damage{"ike.remote.port", [](Context& c) { ike(c).mutable_remote()->set_port(65536); }},
        Damage{"ike.local.port", [](Context& c) { ike(c).mutable_local()->set_port(0); }},
        Damage{"peer_addresses.address", [](Context& c) { ike(c).add_peer_addresses()->set_address("x"); }},
        Damage{"remote_virtual_ips.address", [](Context& c) { ike(c).add_remote_virtual_ips(); }},
        Damage{"conditions",
               [](Context& c) {
                 for (int i = 0; i < 100; ++i) ike(c).add_conditions({});
               }},
        Damage{"ike.connection", [](Context& c) { ike(c).clear_connection(); }},
        Damage{"ike.connection", [](Context& c) { ike(c).set_connection(std::string(256, 'c')); }},
        Damage{"ike.rekey_in",
               [](Context& c) {
                 ike(c).mutable_rekey_in()->set_seconds(std::numeric_limits<std::int64_t>::max());
               }},
        Damage{"ike.delete_in",
               [](Context& c) {
                 ike(c).mutable_delete_in()->set_seconds(std::numeric_limits<std::int64_t>::min());
               }},
        Damage{"ike.established_ago", [](Context& c) { ike(c).set_established_ago(-1); }},
        Damage{"ike.last_inbound_ago", [](Context& c) { ike(c).set_last_inbound_ago(-1); }}));

INSTANTIATE_TEST_SUITE_P(
    Rekeys, DamagedContext,
    testing::Values(Damage{"rekey.spi", [](Context& c) { rekey(c).clear_spi(); }},
                    Damage{"rekey.spi", [](Context& c) { rekey(c).set_spi(1ULL << 32); }},
                    Damage{"rekey.spi", [](Context& c) { rekey(c).set_spi(255); }},
                    Damage{"rekey.spi", [](Context& c) { rekey(c).set_child_inbound_spi(255); }},
                    Damage{"rekey.nonce", [](Context& c) { rekey(c).set_nonce(std::string(15, 'n')); }},
                    Damage{"rekey.nonce", [](Context& c) { rekey(c).set_nonce(std::string(257, 'n')); }},
                    Damage{"rekey.rival_nonce", [](Context& c) { rekey(c).set_rival_nonce("short"); }},
                    Damage{"rekey.key_exchange", [](Context& c) { rekey(c).set_key_exchange(65536); }},
                    Damage{"rekey.key_exchange",
                           [](Context& c) {
                             rekey(c).clear_child_inbound_spi();
                             rekey(c).clear_key_exchange();
                           }},
                    Damage{"rekey.private_value", [](Context& c) { rekey(c).clear_key_exchange(); }},
                    Damage{"rekey.private_value",
                           [](Context& c) { rekey(c).set_private_value(std::string(1025, 'v')); }}));

INSTANTIATE_TEST_SUITE_P(
    Children, DamagedContext,
    testing::Values(
        Damage{"children[0].name", [](Context& c) { child(c).clear_name(); }},
        Damage{"children[0].protocol", [](Context& c) { child(c).set_protocol(17); }},
        Damage{"children[0].inbound_spi", [](Context& c) { child(c).set_inbound_spi(255); }},
        Damage{"children[0].outbound_spi", [](Context& c) { child(c).set_outbound_spi(0); }},
        Damage{"children[1].inbound_spi",
               [](Context& c) { *c.add_children() = hasync::proto::ChildSa(c.children(0)); }},
        Damage{"children[0].mode", [](Context& c) { child(c).set_mode(3); }},
        Damage{"children[0].encryption", [](Context& c) { child(c).clear_encryption(); }},
        Damage{"children[0].inbound_encryption_key",
               [](Context& c) { child(c).mutable_inbound_encryption_key()->pop_back(); }},
        Damage{"children[0].outbound_encryption_key",
               [](Context& c) { child(c).clear_outbound_encryption_key(); }},
        Damage{"children[0].inbound_integrity_key",
               [](Context& c) { child(c).set_inbound_integrity_key("x"); }},
        Damage{"children[0].integrity", [](Context& c) { child(c).set_protocol(51); }},
        Damage{"children[0].local_ts", [](Context& c) { child(c).clear_local_ts(); }},
        Damage{"children[0].remote_ts",
               [](Context& c) { child(c).mutable_remote_ts(0)->set_to_address("12345"); }},
        Damage{"children[0].remote_ts",
               [](Context& c) { child(c).mutable_remote_ts(0)->set_to_address(std::string(4, '\0')); }},
        Damage{"children[0].local_ts", [](Context& c) { child(c).mutable_local_ts(0)->set_to_port(65536); }},
        Damage{"children[0].ipcomp", [](Context& c) { child(c).set_inbound_cpi(65536); }},
        Damage{"children[0].vpe_port", [](Context& c) { child(c).set_vpe_port(65536); }},
        Damage{"children[0].vpe_port",
               [](Context& c) {
                 child(c).set_vpe_port(4510);
                 child(c).set_mode(1);
               }},
        Damage{"children[0].rekey_in",
               [](Context& c) { child(c).mutable_rekey_in()->set_seconds(1LL << 60); }},
        Damage{"children[0].installed_ago", [](Context& c) { child(c).set_installed_ago(-5); }},
        Damage{"children[0].outbound_number", [](Context& c) { child(c).set_outbound_number(1ULL << 32); }},
        Damage{"children[0].inbound_top", [](Context& c) { child(c).set_inbound_top(1ULL << 32); }},
        Damage{"children[0].replay_window", [](Context& c) { child(c).set_replay_window(5000); }},
        Damage{"children[0].replay_bitmap", [](Context& c) { child(c).set_replay_bitmap("123"); }},
        Damage{"context.children", [](Context& c) {
                 for (unsigned i = 0; i < 300; ++i) {
                   auto* more = c.add_children();
                   *more = hasync::proto::ChildSa(c.children(0));
                   more->set_inbound_spi(1000 + i);
                 }
               }}));

TEST(Algorithms, KeyLengthsIncludeTheSalt) {
  EXPECT_EQ(hasync_encryption_key_length(20, 256), 36);  // AES-GCM, RFC 4106, section 8.1
  EXPECT_EQ(hasync_encryption_key_length(16, 128), 19);  // AES-CCM, RFC 4309, section 7.1
  EXPECT_EQ(hasync_encryption_key_length(28, 0), 36);    // ChaCha20-Poly1305, RFC 7634, section 2
  EXPECT_EQ(hasync_encryption_key_length(12, 192), 24);  // AES-CBC
  EXPECT_EQ(hasync_encryption_key_length(11, 0), 0);     // NULL
  EXPECT_EQ(hasync_encryption_key_length(20, 0), -1);
  EXPECT_EQ(hasync_integrity_key_length(14), 64);
  EXPECT_EQ(hasync_prf_key_length(7), 64);
  EXPECT_TRUE(hasync_encryption_is_aead(28));
  EXPECT_FALSE(hasync_encryption_is_aead(12));
}

}  // namespace
