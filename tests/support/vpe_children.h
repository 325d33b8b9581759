// What charon's plugin says of a CHILD_SA that is VPE.
#pragma once

#include <string>

#include "plugin.pb.h"

namespace hasync::test {

inline void set_range(proto::TrafficSelector* ts, std::string from, std::string to) {
  ts->set_from_address(std::move(from));
  ts->set_to_address(std::move(to));
  ts->set_to_port(65535);
}

inline proto::FromPlugin told_child() {
  using namespace std::string_literals;
  proto::FromPlugin out;
  proto::Event* event = out.mutable_event();
  event->set_number(3);
  proto::VpeChild* child = event->mutable_vpe_child();
  child->mutable_sa()->set_initiator_spi(0x1111);
  child->mutable_sa()->set_responder_spi(0x2222);
  child->set_connection("home");
  child->set_child("net");
  child->set_reqid(7);
  child->set_inbound_spi(0xc0ffee01);
  child->set_outbound_spi(0xc0ffee02);
  child->mutable_remote()->set_address("\xc0\0\x02\x02"s);
  child->mutable_remote()->set_port(4510);
  set_range(child->add_local_ts(), "\x0a\x01\0\0"s, "\x0a\x01\xff\xff"s);
  set_range(child->add_remote_ts(), "\x0a\x02\0\0"s, "\x0a\x02\xff\xff"s);
  set_range(child->add_remote_ts(), std::string(16, '\0'), std::string(16, '\xff'));
  child->set_inbound_key(std::string(20, 'i'));
  child->set_outbound_key(std::string(36, 'o'));
  child->set_incarnation(2);
  child->set_outbound_pending(true);
  child->mutable_delete_in()->set_seconds(3960);
  return out;
}

}  // namespace hasync::test
