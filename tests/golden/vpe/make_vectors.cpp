// Writes tests/golden/vpe/vectors.json as the library does it. Run by hand when the format changes:
//   make_vpe_vectors > tests/golden/vpe/vectors.json
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/support/vpe_packets.h"

namespace {

using namespace hasync;
using namespace hasync::vpe;
using json = nlohmann::ordered_json;

std::string hex(BytesView bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

constexpr EspSpi kSpi{0xc0de0001};

struct Case {
  const char* name;
  std::size_t key;
  SenderId sender;
  Place place;
  std::uint8_t traffic_class;
  std::uint64_t number;
  Bytes payload;
  std::size_t inner_size;
};

Case plain(const char* name, std::size_t key, Bytes payload) {
  const std::size_t size = payload.size();
  return {name, key, kUnicast, {}, 0, 1, std::move(payload), size};
}

std::vector<Case> cases() {
  Bytes padded = test::ipv4(64);
  padded.resize(96);
  std::vector<Case> out;
  out.push_back(plain("AES-128, smallest", 16, test::ipv4(20)));
  out.push_back(plain("AES-256, smallest", 32, test::ipv4(20)));
  out.push_back(plain("AES-128, IPv4, 64 bytes", 16, test::ipv4(64)));
  out.push_back(plain("AES-256, IPv6, 61 bytes: no multiple of anything", 32, test::ipv6(61)));
  out.push_back(plain("AES-256, IPv4, 1420 bytes", 32, test::ipv4(1420)));
  out.push_back({"IPv4 with padding behind it", 32, kUnicast, {}, 0, 1, padded, 64});
  out.push_back(
      {"number with all bytes different", 16, kUnicast, {}, 0, 0x0102030405060708, test::ipv4(40), 40});
  out.push_back({"last number", 16, kUnicast, {}, 0, kLastNumber, test::ipv4(40), 40});
  out.push_back(
      {"node 5, incarnation 9, core 17, class 2", 32, kUnicast, {5, 9, 17}, 2, 7, test::ipv4(40), 40});
  out.push_back({"every bit of the WindowID", 32, kUnicast, {15, 31, 31}, 3, 7, test::ipv6(40), 40});
  out.push_back({"SenderID of a group's member", 32, SenderId{0xabcd}, {}, 1, 42, test::ipv4(40), 40});
  return out;
}

json common(const std::string& name, std::size_t key) {
  return {{"name", name}, {"key", hex(test::key(key))}, {"spi", kSpi.value}};
}

json sealed() {
  json out = json::array();
  for (const Case& one : cases()) {
    const auto sender =
        test::sender(test::gcm("auto", test::key(one.key)),
                     {.spi = kSpi, .sender = one.sender, .place = one.place, .first_number = one.number});
    json entry = common(one.name, one.key);
    entry["sender"] = one.sender.value;
    entry["window"] = window_id(one.place, one.traffic_class).value;
    entry["number"] = one.number;
    entry["inner_size"] = one.inner_size;
    entry["payload"] = hex(one.payload);
    entry["packet"] = hex(test::seal(*sender, one.payload, one.traffic_class));
    out.push_back(entry);
  }
  return out;
}

json refused() {
  const auto sender = test::sender(test::gcm("auto", test::key(16)), {.spi = kSpi});
  const Bytes good = test::seal(*sender, test::ipv4(64));
  json out = json::array();
  const auto add = [&](const char* name, Drop drop, Bytes packet) {
    json entry = common(name, 16);
    entry["drop"] = vpe::name(drop);
    entry["packet"] = hex(packet);
    out.push_back(entry);
  };
  const auto flipped = [&](std::size_t at, std::uint8_t bits) {
    Bytes bad = good;
    bad[at] ^= bits;
    return bad;
  };
  add("nothing", Drop::Truncated, {});
  add("header alone", Drop::Truncated, Bytes(good.begin(), good.begin() + kHeaderSize));
  add("one byte short of header and IPv4 header", Drop::Truncated, Bytes(good.begin(), good.begin() + 51));
  add("last byte missing", Drop::Forged, Bytes(good.begin(), good.end() - 1));
  add("another SPI", Drop::ForeignSpi, flipped(3, 2));
  add("another SenderID", Drop::ForeignSender, flipped(5, 1));
  add("another WindowID", Drop::Forged, flipped(7, 4));
  add("another number", Drop::Forged, flipped(14, 1));
  add("number 0", Drop::Late, flipped(15, 1));
  add("ICV altered", Drop::Forged, flipped(31, 128));
  add("ciphertext altered", Drop::Forged, flipped(32, 1));

  Bytes odd = test::ipv4(40);
  odd[0] = 0x55;
  Bytes wire(kHeaderSize + odd.size());
  encode({kSpi, {kUnicast, WindowId{0}}, 1}, std::span<std::uint8_t, kIcvAt>(wire.data(), kIcvAt));
  const Piece piece{odd.data(), wire.data() + kHeaderSize, odd.size()};
  test::gcm("auto", test::key(16))->seal(wire.data() + kIvAt, {}, {&piece, 1}, wire.data() + kIcvAt);
  add("authentic, and neither IPv4 nor IPv6", Drop::NotIp, wire);
  return out;
}

json esp() {
  constexpr Salt salt{0xca, 0xfe, 0xba, 0xbe};
  json out = json::array();
  const auto add = [&](const char* name, std::size_t key, std::uint64_t number, const Bytes& inner) {
    const auto numbers = std::make_shared<EspNumbers>();
    numbers->last = number - 1;
    EspSender sender(test::gcm("auto", test::key(key)), {kSpi, salt}, numbers);
    json entry = common(name, key);
    entry["salt"] = hex(salt);
    entry["number"] = number;
    entry["payload"] = hex(inner);
    entry["packet"] = hex(test::seal(sender, inner));
    out.push_back(entry);
  };
  add("AES-128, IPv4, 40 bytes", 16, 1, test::ipv4(40));
  add("AES-256, IPv6, 61 bytes: padding of 1", 32, 2, test::ipv6(61));
  add("IPv4, 64 bytes: padding of 2", 16, 3, test::ipv4(64));
  add("IPv4, 63 bytes: padding of 3", 16, 4, test::ipv4(63));
  add("number beyond 32 bits", 16, 0x100000005, test::ipv4(62));
  return out;
}

}  // namespace

int main() {
  std::cout << json{{"vpe", sealed()}, {"refused", refused()}, {"esp", esp()}}.dump(1) << "\n";
}
