// Writes the first corpora of vpe_packet_fuzz, vpe_engine_fuzz and vped_inner_fuzz: make_vpe_corpus FOLDER
#include <filesystem>
#include <fstream>

#include "tests/support/inner_packets.h"
#include "tests/support/vpe_packets.h"

namespace {

using namespace hasync;
using namespace hasync::vpe;

void write(const std::filesystem::path& path, const Bytes& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// A script of vpe_engine_fuzz: engine (0 VPE, 1 ESP), where the numbers begin, then steps.
Bytes script(std::uint8_t engine, std::uint8_t first, std::initializer_list<Bytes> step, int times) {
  Bytes out{engine, first};
  for (int i = 0; i < times; ++i)
    for (const Bytes& bytes : step) out.insert(out.end(), bytes.begin(), bytes.end());
  return out;
}

// Of vped_inner_fuzz: to be cut.
Bytes uncut(bool v4, std::size_t payload, std::uint8_t segment) {
  const std::uint8_t ip = v4 ? 20 : 40;
  Bytes out{
      0,  1, static_cast<std::uint8_t>(v4 ? 1 : 4), static_cast<std::uint8_t>(ip + 32), 0, segment, 0, ip, 0,
      16, 0};
  const Bytes packet = vped::test::tcp(payload, {.v4 = v4, .flags = 0x18});
  out.insert(out.end(), packet.begin(), packet.end());
  return out;
}

// To be joined.
Bytes train(bool v4, std::size_t payload, int times) {
  Bytes out{1};
  for (int i = 0; i < times; ++i) {
    const Bytes packet = vped::test::tcp(
        payload, {.v4 = v4, .sequence = static_cast<std::uint32_t>(static_cast<std::size_t>(i) * payload)});
    out.push_back(static_cast<std::uint8_t>(packet.size() >> 8));
    out.push_back(static_cast<std::uint8_t>(packet.size()));
    out.insert(out.end(), packet.begin(), packet.end());
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path packets = std::filesystem::path(argv[1]) / "vpe_packet";
  const std::filesystem::path engines = std::filesystem::path(argv[1]) / "vpe_engine";
  const auto sender =
      test::sender(test::gcm("openssl", test::key(16)), {.spi = EspSpi{0xf0220001}, .place = {3, 2, 1}});
  write(packets / "sealed", test::seal(*sender, test::ipv4(60), 2));
  write(packets / "short", Bytes(51, 1));
  write(packets / "ipv4", test::ipv4(40));
  write(packets / "ipv6", test::ipv6(60));
  write(packets / "empty", {});
  const std::filesystem::path inners = std::filesystem::path(argv[1]) / "vped_inner";
  for (const bool v4 : {true, false}) {
    write(inners / (v4 ? "uncut_4" : "uncut_6"), uncut(v4, 500, 100));
    write(inners / (v4 ? "train_4" : "train_6"), train(v4, 60, 5));
  }
  for (const std::uint8_t engine : {std::uint8_t{0}, std::uint8_t{1}}) {
    const std::string name = engine == 0 ? "vpe" : "esp";
    write(engines / (name + "_in_order"), script(engine, 0, {{0}, {8}, {16}}, 60));
    write(engines / (name + "_near_the_end"), script(engine, 1, {{0}}, 120));
    write(engines / (name + "_repeated"), script(engine, 0, {{0}, {4, 0, 0}, {4, 0, 1}}, 20));
    write(engines / (name + "_altered"), script(engine, 0, {{5, 0, 0, 0, 3, 1}, {5, 0, 0, 0, 20, 128}}, 20));
    write(engines / (name + "_cut"), script(engine, 0, {{6, 0, 0, 0, 30}, {6, 0, 0, 0, 200}}, 20));
    write(engines / (name + "_held_back"), script(engine, 0, {{0}, {0}, {0}, {4, 1, 7}}, 80));
    write(engines / (name + "_noise"), script(engine, 0, {{7}, test::ipv4(100)}, 5));
  }
}
