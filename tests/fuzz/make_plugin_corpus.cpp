// Writes the start of the corpus of plugin_frame_fuzz: a frame of each kind of request, and two that are
// refused.
#include <cstdio>
#include <fstream>

#include "plugin.pb.h"
#include "tests/support/context_samples.h"

using namespace hasync;

namespace {

std::string frame(const proto::Request& request) {
  const std::string content = request.SerializeAsString();
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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
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
  write(folder + "too-long", std::string(4, '\xff'));
  return 0;
}
