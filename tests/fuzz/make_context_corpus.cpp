// Writes the start of two corpora. Of context_fuzz: two contexts, a file with one, a newer one, and one that
// is cut short. Of sealed_fuzz: messages sealed with either key, and one under a key that nobody has.
#include <cstdio>
#include <fstream>

#include "base/bytes.h"
#include "hasyncd/adapters/seal.h"
#include "tests/support/context_samples.h"
#include "tests/support/fixed_keys.h"

using namespace hasync;

namespace {

void write(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void write_sealed(const std::string& folder) {
  hasyncd::Sealer sealer(test::fixed_keys(), &hasyncd::Key::auth);
  const auto ring = hasyncd::additional_data(hasyncd::Purpose::Ring, NodeId{1});
  for (const std::uint32_t key : {1U, 2U}) {
    sealer.seal_with(key);
    write(folder + "key-" + std::to_string(key), text_of(sealer.seal(view_of("what a member says"), ring)));
  }
  write(folder + "nothing", text_of(sealer.seal({}, ring)));
  Bytes unknown = sealer.seal(view_of("what a member says"), ring);
  unknown[4] = 9;  // the end of the key's id
  write(folder + "unknown-key", text_of(unknown));
  write(folder + "cut", text_of(unknown).substr(0, hasyncd::Sealer::kOverhead - 1));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s FOLDER FOLDER_OF_SEALED\n", argv[0]);
    return 2;
  }
  const std::string folder = std::string(argv[1]) + "/";
  const std::string gcm = sample_context().SerializeAsString();
  write(folder + "gcm", gcm);
  write(folder + "cbc", sample_classic_context().SerializeAsString());
  write(folder + "file", text_of(hasyncd::plain_file(view_of(gcm))));
  write(folder + "cut", std::string_view(gcm).substr(0, gcm.size() / 2));
  proto::Context newer = sample_context();
  newer.set_major(2);
  write(folder + "newer", newer.SerializeAsString());
  write_sealed(std::string(argv[2]) + "/");
}
