// Writes the start of the corpus of ring_message_fuzz: a few messages of every kind, heartbeats and asides.
#include <cstdio>
#include <fstream>

#include "hasyncd/wire/aside_codec.h"
#include "hasyncd/wire/ring_codec.h"
#include "tests/support/ring_random.h"

using namespace hasync;

namespace {

void write(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(text_of(bytes).data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  const std::string folder = argv[1];
  hasyncd::RingRandom random(20);
  for (int i = 0; i < 30; ++i) write(folder + "/message-" + std::to_string(i), encode(random.message()));
  for (int i = 0; i < 5; ++i) write(folder + "/heartbeat-" + std::to_string(i), encode(random.heartbeat()));
  for (int i = 0; i < 5; ++i) write(folder + "/aside-" + std::to_string(i), encode(random.aside()));
  return 0;
}
