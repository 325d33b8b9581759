// What clients encode (C++) against the plugin's decoder (C).
#include "request.h"

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"
#include "plugin.pb.h"
#include "tests/support/context_samples.h"

namespace {

using namespace hasync;

void set_sa(proto::SaId* sa) {
  sa->set_initiator_spi(0x1111);
  sa->set_responder_spi(0x2222);
}

class Requests : public testing::Test {
 protected:
  Requests() { hasync_arena_init(&arena_); }
  ~Requests() override { hasync_arena_clear(&arena_); }

  const Hasync__Proto__Request* decode(std::string_view content) {
    return hasync_request_decode(view_of(content).data(), content.size(), &arena_, &id_, &error_);
  }
  const Hasync__Proto__Request* pass(const proto::Request& request) {
    return decode(request.SerializeAsString());
  }

  proto::Request put_request() const {
    proto::Request request;
    request.set_id(77);
    request.mutable_put()->set_state(proto::SA_STATE_PASSIVE);
    *request.mutable_put()->mutable_context() = sample_context();
    return request;
  }

  hasync_arena_t arena_{};
  std::uint64_t id_ = 0;
  hasync_error_t error_{};
};

TEST_F(Requests, ToOfferVpeSayWhere) {
  proto::Request request;
  proto::Host* host = request.mutable_offer_vpe()->mutable_host();
  host->set_address(std::string("\xc0\0\x02\x01", 4));
  host->set_port(4510);
  EXPECT_EQ(pass(request)->offer_vpe->host->port, 4510U);
  host->set_port(0);
  EXPECT_EQ(pass(request), nullptr);
  EXPECT_STREQ(error_.text, "offer_vpe.host.port: 0, expected 1 to 65535");
  host->set_port(65536);
  EXPECT_EQ(pass(request), nullptr);
  host->set_address("abc");
  EXPECT_EQ(pass(request), nullptr);
  EXPECT_STREQ(error_.text, "offer_vpe.host.address: 4 or 16 bytes expected");
  request.mutable_offer_vpe()->clear_host();
  EXPECT_EQ(pass(request), nullptr);
}

TEST_F(Requests, ToCommitSayHowAndHowLong) {
  proto::Request request;
  proto::OutputCommit* commit = request.mutable_subscribe()->mutable_commit();
  commit->set_mode(proto::COMMIT_MODE_AVAILABLE);
  commit->set_wait_ms(2000);
  EXPECT_EQ(pass(request)->subscribe->commit->wait_ms, 2000U);
  commit->set_wait_ms(0);
  EXPECT_EQ(pass(request), nullptr);
  EXPECT_STREQ(error_.text, "subscribe.commit.wait_ms: 0, expected 1 to 60000");
  commit->set_wait_ms(60001);
  EXPECT_EQ(pass(request), nullptr);
  commit->set_wait_ms(1);
  commit->set_mode(proto::COMMIT_MODE_UNKNOWN);
  EXPECT_EQ(pass(request), nullptr);
  EXPECT_STREQ(error_.text, "subscribe.commit.mode: 0, expected 1 (strict) or 2 (available)");
}

TEST_F(Requests, ToSubscribeNameSharedAddressesOfEitherFamily) {
  proto::Request request;
  request.mutable_subscribe()->add_shared()->set_address(std::string(4, '\1'));
  request.mutable_subscribe()->add_shared()->set_address(std::string(16, '\2'));
  EXPECT_EQ(pass(request)->subscribe->n_shared, 2U);
  request.mutable_subscribe()->add_shared()->set_address("five!");
  EXPECT_EQ(pass(request), nullptr);
  EXPECT_STREQ(error_.text, "subscribe.shared[2].address: 5 bytes, expected 4 or 16");
}

TEST_F(Requests, OfEveryKindArriveAsTheyWereMeant) {
  proto::Request request;
  request.mutable_hello();
  EXPECT_EQ(pass(request)->request_case, HASYNC__PROTO__REQUEST__REQUEST_HELLO);
  request.mutable_subscribe();
  EXPECT_EQ(pass(request)->request_case, HASYNC__PROTO__REQUEST__REQUEST_SUBSCRIBE);
  request.mutable_list();
  EXPECT_EQ(pass(request)->request_case, HASYNC__PROTO__REQUEST__REQUEST_LIST);
  request.mutable_commit()->set_event(12);
  EXPECT_EQ(pass(request)->commit->event, 12U);
  request.mutable_discard()->set_last(13);
  EXPECT_EQ(pass(request)->discard->last, 13U);
  set_sa(request.mutable_get()->mutable_sa());
  EXPECT_EQ(pass(request)->get->sa->responder_spi, 0x2222U);
  request.mutable_release();
  EXPECT_EQ(pass(request)->release->n_sas, 0U);
  set_sa(request.mutable_release()->add_sas());
  EXPECT_EQ(pass(request)->release->n_sas, 1U);
  set_sa(request.mutable_rekey()->mutable_sa());
  request.mutable_rekey()->set_child_inbound_spi(0xc0ffee);
  EXPECT_EQ(pass(request)->rekey->child_inbound_spi, 0xc0ffeeU);
  set_sa(request.mutable_set_state()->add_sas());
  request.mutable_set_state()->set_state(proto::SA_STATE_ACTIVE);
  EXPECT_EQ(pass(request)->set_state->state, HASYNC__PROTO__SA_STATE__SA_STATE_ACTIVE);
  EXPECT_EQ(pass(request)->set_state->sas[0]->initiator_spi, 0x1111U);
}

TEST_F(Requests, APutCarriesTheContext) {
  const auto* put = pass(put_request())->put;
  EXPECT_EQ(id_, 77U);
  EXPECT_EQ(put->state, HASYNC__PROTO__SA_STATE__SA_STATE_PASSIVE);
  EXPECT_STREQ(put->context->ike->connection, "tunnel");
  EXPECT_EQ(put->context->children[0]->outbound_number, 1000U);
}

TEST_F(Requests, NoiseIsRefusedWithoutAnId) {
  EXPECT_EQ(decode("\xff\xff\xff"), nullptr);
  EXPECT_EQ(error_.code, HASYNC__PROTO__ERROR_CODE__BAD_REQUEST);
  EXPECT_EQ(id_, 0U);
}

TEST_F(Requests, WhatIsMissingOrWrongIsNamedAndTheIdKept) {
  proto::Request request;
  request.set_id(5);
  EXPECT_EQ(decode(request.SerializeAsString()), nullptr);
  EXPECT_STREQ(error_.text, "request: none that is known here");
  EXPECT_EQ(id_, 5U);

  request.mutable_get();
  EXPECT_EQ(decode(request.SerializeAsString()), nullptr);
  EXPECT_STREQ(error_.text, "get.sa: missing");

  request.mutable_get()->mutable_sa()->set_initiator_spi(1);
  EXPECT_EQ(decode(request.SerializeAsString()), nullptr);
  EXPECT_STREQ(error_.text, "get.sa: an SPI is 0");

  request.mutable_put();
  EXPECT_EQ(decode(request.SerializeAsString()), nullptr);
  EXPECT_NE(std::string(error_.text).find("put.state"), std::string::npos);

  request.mutable_put()->set_state(proto::SA_STATE_ACTIVE);
  EXPECT_EQ(decode(request.SerializeAsString()), nullptr);
  EXPECT_STREQ(error_.text, "context: missing");

  request.mutable_set_state()->add_sas();
  EXPECT_EQ(decode(request.SerializeAsString()), nullptr);
  EXPECT_NE(std::string(error_.text).find("set_state.state"), std::string::npos);
}

TEST_F(Requests, AShareOfVpeHasAPlaceWithinTheBudget) {
  proto::Request request;
  request.mutable_give_vpe()->set_session(9);
  proto::GiveVpe::Share& share = *request.mutable_give_vpe()->add_shares();
  EXPECT_EQ(decode(request.SerializeAsString()), nullptr);
  EXPECT_STREQ(error_.text, "give_vpe.shares.sa: missing");
  set_sa(share.mutable_sa());
  share.set_outbound_spi(0xc0ffee);
  const auto refused = [&](std::uint32_t node, std::uint32_t incarnation) {
    share.mutable_place()->set_node(node);
    share.mutable_place()->set_incarnation(incarnation);
    return decode(request.SerializeAsString()) == nullptr;
  };
  EXPECT_EQ(decode(request.SerializeAsString()), nullptr) << "no place";
  EXPECT_TRUE(refused(16, 0));
  EXPECT_TRUE(refused(0, 32));
  EXPECT_FALSE(refused(15, 31));
  EXPECT_EQ(pass(request)->give_vpe->shares[0]->place->incarnation, 31U);
  EXPECT_EQ(pass(request)->give_vpe->session, 9U);
}

TEST_F(Requests, AskingForFreshWindowsNamesIkeSas) {
  proto::Request request;
  request.mutable_ask_fresh()->set_reception(9);
  proto::AskFresh::Child& child = *request.mutable_ask_fresh()->add_children();
  EXPECT_EQ(decode(request.SerializeAsString()), nullptr);
  EXPECT_STREQ(error_.text, "ask_fresh.children.sa: missing");
  set_sa(child.mutable_sa());
  child.set_inbound_spi(0xc0ffee);
  EXPECT_EQ(pass(request)->ask_fresh->children[0]->inbound_spi, 0xc0ffeeU);
  EXPECT_EQ(pass(request)->ask_fresh->reception, 9U);
}

TEST_F(Requests, TruncatedAnywhereNeverPassAsAnotherPut) {
  const std::string bytes = put_request().SerializeAsString();
  const std::string_view content = bytes;
  for (std::size_t size = 0; size < content.size(); ++size)
    EXPECT_EQ(decode(content.substr(0, size)), nullptr) << size;
}

}  // namespace
