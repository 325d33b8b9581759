#include "tests/support/context_samples.h"

namespace hasync {
namespace {

void set(proto::Algorithm* algorithm, unsigned id, unsigned bits) {
  algorithm->set_id(id);
  algorithm->set_key_bits(bits);
}

void set(proto::Host* host, const std::string& address, unsigned port) {
  host->set_address(address);
  host->set_port(port);
}

void set(proto::SentMessage* message, unsigned id) {
  message->set_message_id(id);
  message->add_packets(std::string(60, 'm'));
}

void set(proto::OwnRekey& rekey) {
  rekey.set_child_inbound_spi(0xc0000001);
  rekey.set_spi(0xc0000002);
  rekey.set_nonce(std::string(32, 'n'));
  rekey.set_key_exchange(31);
  rekey.set_private_value(std::string(32, 'v'));
  rekey.set_rival_nonce(std::string(32, 'p'));
}

void set(proto::TrafficSelector* ts, const std::string& from, const std::string& to) {
  ts->set_from_address(from);
  ts->set_to_address(to);
  ts->set_to_port(65535);
}

void fill_ike(proto::IkeSa& ike) {
  ike.set_initiator_spi(0x1111111111111111);
  ike.set_responder_spi(0x2222222222222222);
  set(ike.mutable_encryption(), 20, 128);
  set(ike.mutable_prf(), 5, 0);
  set(ike.mutable_key_exchange(), 31, 0);
  ike.set_sk_d(std::string(32, 'd'));
  ike.set_sk_ei(std::string(20, 'i'));
  ike.set_sk_er(std::string(20, 'r'));
  ike.set_next_request_id(4);
  ike.set_expected_request_id(7);
  set(ike.mutable_last_response(), 6);
  ike.set_last_request_hash(std::string(32, 'h'));
  set(ike.add_outstanding_requests(), 3);
  set(*ike.mutable_outstanding_requests(0)->mutable_rekey());
  ike.mutable_local_id()->set_type(2);
  ike.mutable_local_id()->set_data("gw");
  ike.mutable_remote_id()->set_type(2);
  ike.mutable_remote_id()->set_data("peer");
  set(ike.mutable_local(), std::string("\xc0\x00\x02\x64", 4), 4500);
  set(ike.mutable_remote(), std::string("\xc0\x00\x02\x0a", 4), 4500);
  ike.add_conditions(proto::CONDITION_AUTHENTICATED);
  ike.add_extensions(proto::EXTENSION_MOBIKE);
  ike.set_connection("tunnel");
  ike.mutable_rekey_in()->set_seconds(3600);
  ike.mutable_delete_in()->set_seconds(4000);
  ike.set_established_ago(60);
}

void fill_child(proto::ChildSa& child) {
  child.set_name("net");
  child.set_protocol(50);
  child.set_inbound_spi(0xc0000001);
  child.set_outbound_spi(0xd0000001);
  child.set_mode(2);
  child.set_installed(true);
  set(child.mutable_encryption(), 20, 128);
  child.set_inbound_encryption_key(std::string(20, 'x'));
  child.set_outbound_encryption_key(std::string(20, 'y'));
  set(child.add_local_ts(), std::string("\x0a\x01\x00\x00", 4), std::string("\x0a\x01\x00\xff", 4));
  set(child.add_remote_ts(), std::string("\x0a\x02\x00\x00", 4), std::string("\x0a\x02\x00\xff", 4));
  child.mutable_rekey_in()->set_seconds(1000);
  child.mutable_delete_in()->set_seconds(1200);
  child.set_outbound_number(1000);
  child.set_inbound_top(2000);
  child.set_replay_window(32);
  child.set_replay_bitmap(std::string(4, '\xff'));
}

}  // namespace

proto::Context sample_context() {
  proto::Context context;
  context.set_major(1);
  fill_ike(*context.mutable_ike());
  fill_child(*context.add_children());
  return context;
}

proto::Context sample_classic_context() {
  proto::Context context = sample_context();
  auto& ike = *context.mutable_ike();
  set(ike.mutable_encryption(), 12, 256);
  set(ike.mutable_integrity(), 12, 0);
  ike.set_sk_ei(std::string(32, 'i'));
  ike.set_sk_er(std::string(32, 'r'));
  ike.set_sk_ai(std::string(32, 'a'));
  ike.set_sk_ar(std::string(32, 'b'));
  set(ike.mutable_local(), std::string(15, '\x20') + '\x01', 500);
  set(ike.mutable_remote(), std::string(15, '\x20') + '\x02', 500);
  auto& child = *context.mutable_children(0);
  set(child.mutable_encryption(), 12, 128);
  set(child.mutable_integrity(), 14, 0);
  for (auto* key : {child.mutable_inbound_encryption_key(), child.mutable_outbound_encryption_key()})
    key->assign(16, 'k');
  for (auto* key : {child.mutable_inbound_integrity_key(), child.mutable_outbound_integrity_key()})
    key->assign(64, 'k');
  child.set_esn(true);
  child.set_outbound_number(0x1'0000'0001);
  child.set_inbound_top(0x2'0000'0001);
  child.set_replay_window(128);
  child.set_replay_bitmap(std::string(16, '\xff'));
  return context;
}

}  // namespace hasync
