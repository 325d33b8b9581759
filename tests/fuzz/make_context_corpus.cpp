// Writes the start of the corpus of context_fuzz: two contexts, a file with one, a newer one, and one that is
// cut short.
#include <cstdio>
#include <fstream>

#include "base/bytes.h"
#include "hasyncd/adapters/seal.h"
#include "tests/support/context_samples.h"

using namespace hasync;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  const auto write = [folder = std::string(argv[1]) + "/"](const std::string& name, std::string_view bytes) {
    std::ofstream(folder + name, std::ios::binary) << bytes;
  };
  const std::string gcm = sample_context().SerializeAsString();
  write("gcm", gcm);
  write("cbc", sample_classic_context().SerializeAsString());
  write("file", text_of(hasyncd::plain_file(view_of(gcm))));
  write("cut", std::string_view(gcm).substr(0, gcm.size() / 2));
  proto::Context newer = sample_context();
  newer.set_major(2);
  write("newer", newer.SerializeAsString());
}
