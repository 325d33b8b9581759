// Writes the start of three corpora. Of plugin_frame_fuzz: a frame of each kind of request, and two that are
// refused. Of vped_plugin_fuzz and plugin_reply_fuzz: what the plugin says to vped and to hasyncd.
#include <cstdio>
#include <fstream>

#include "plugin.pb.h"
#include "tests/support/context_samples.h"
#include "tests/support/vpe_children.h"

using namespace hasync;

namespace {

std::string frame(const google::protobuf::Message& message) {
  const std::string content = message.SerializeAsString();
  std::string out;
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(content.size() >> shift);
  return out + content;
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void set_sa(proto::SaId* sa) {
  sa->set_initiator_spi(0x1111);
  sa->set_responder_spi(0x2222);
}

proto::Request put(const proto::Context& context) {
  proto::Request request;
  request.mutable_put()->set_state(proto::SA_STATE_PASSIVE);
  *request.mutable_put()->mutable_context() = context;
  return request;
}

void write_for_vped(const std::string& folder) {
  proto::FromPlugin told = test::told_child(), gone, synced, reply;
  gone.mutable_event()->mutable_vpe_gone()->set_inbound_spi(0xc0ffee01);
  synced.mutable_event()->mutable_synced();
  reply.mutable_reply()->set_text("no");
  reply.mutable_reply()->set_code(proto::CONFLICT);
  write(folder + "all", frame(reply) + frame(told) + frame(synced) + frame(gone));
  write(folder + "cut", frame(told).substr(0, 100));
  told.mutable_event()->mutable_vpe_child()->clear_outbound_key();
  write(folder + "no-key", frame(told));
  told = test::told_child();
  told.mutable_event()->mutable_vpe_child()->mutable_local_ts(0)->set_to_address("\x0a\x01\xff\xfe");
  write(folder + "no-prefix", frame(told));
  write(folder + "too-long", std::string(4, '\xff'));
}

void set_summary(proto::SaSummary* to) {
  set_sa(to->mutable_sa());
  to->set_connection("branch");
  to->mutable_remote()->set_address("\xc0\x00\x02\x09");
  to->mutable_remote_id()->set_data("peer@example.org");
  to->set_state(proto::SA_STATE_ACTIVE);
}

std::string replies() {
  proto::FromPlugin hello, list, get, refused;
  hello.mutable_reply()->set_id(1);
  hello.mutable_reply()->mutable_hello()->set_charon_version("5.9.8");
  proto::Connection* connection = hello.mutable_reply()->mutable_hello()->add_connections();
  connection->set_name("branch");
  connection->add_children("net");
  list.mutable_reply()->set_id(2);
  set_summary(list.mutable_reply()->mutable_list()->add_sas());
  get.mutable_reply()->set_id(3);
  *get.mutable_reply()->mutable_get()->mutable_context() = sample_context();
  refused.mutable_reply()->set_id(4);
  refused.mutable_reply()->set_code(proto::NO_CONFIG);
  refused.mutable_reply()->set_text("no such connection");
  return frame(hello) + frame(list) + frame(get) + frame(refused);
}

std::string events() {
  proto::FromPlugin out;
  std::string all;
  proto::Event* event = out.mutable_event();
  const auto add = [&] {
    event->set_number(event->number() + 1);
    all += frame(out);
  };
  *event->mutable_changed()->mutable_context() = sample_context();
  add();
  set_sa(event->mutable_gone()->mutable_sa());
  add();
  set_summary(event->mutable_unprotected()->mutable_sa());
  add();
  event->mutable_vpe_begun()->set_session(7);
  add();
  event->mutable_vpe_retired()->add_done()->set_inbound_spi(0xc0ffee01);
  add();
  event->mutable_synced();
  add();
  return all;
}

void write_for_hasyncd(const std::string& folder) {
  write(folder + "replies", replies());
  write(folder + "events", events());
  write(folder + "cut", events().substr(0, 100));
  write(folder + "neither", frame(proto::FromPlugin()) + std::string("\0\0\0\1\x7f", 5));
  write(folder + "not-a-message", std::string("\0\0\0\3\xff\xff\xff", 7));
  write(folder + "too-long", std::string(4, '\xff'));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s FOLDER FOLDER_OF_VPED FOLDER_OF_HASYNCD\n", argv[0]);
    return 2;
  }
  const std::string folder = std::string(argv[1]) + "/";
  write(folder + "put-gcm", frame(put(sample_context())));
  write(folder + "put-cbc", frame(put(sample_classic_context())));
  proto::Context newer = sample_context();
  newer.set_major(2);
  write(folder + "put-newer", frame(put(newer)));
  proto::Request request;
  request.mutable_hello();
  std::string all = frame(request);
  request.mutable_list();
  all += frame(request);
  request.mutable_subscribe();
  write(folder + "hello-list-subscribe", all + frame(request));
  set_sa(request.mutable_get()->mutable_sa());
  write(folder + "get", frame(request));
  set_sa(request.mutable_release()->add_sas());
  write(folder + "release", frame(request));
  set_sa(request.mutable_rekey()->mutable_sa());
  write(folder + "rekey", frame(request));
  set_sa(request.mutable_set_state()->add_sas());
  request.mutable_set_state()->set_state(proto::SA_STATE_ACTIVE);
  write(folder + "set-state", frame(request));
  request.mutable_offer_vpe()->mutable_host()->set_address("\x7f\x01\x01\x01");
  request.mutable_offer_vpe()->mutable_host()->set_port(4510);
  write(folder + "offer-vpe", frame(request));
  write(folder + "too-long", std::string(4, '\xff'));
  write_for_vped(std::string(argv[2]) + "/");
  write_for_hasyncd(std::string(argv[3]) + "/");
  return 0;
}
