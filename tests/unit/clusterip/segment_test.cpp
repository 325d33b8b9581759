#include "clusterip/segment.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

#include "clusterip/bpf/segment_hash.h"

namespace hasync::clusterip {
namespace {

// lookup3 for any length, written from its description: three words at a time, the rest padded with zeros.
std::uint32_t lookup3(std::span<const std::uint8_t> bytes, std::uint32_t seed) {
  std::array<std::uint32_t, 3> s{};
  s.fill(0xdeadbeefU + static_cast<std::uint32_t>(bytes.size()) + seed);
  const auto add = [&s](std::span<const std::uint8_t> part) {
    for (std::size_t i = 0; i < part.size(); ++i) s[i / 4] += std::uint32_t{part[i]} << (8 * (i % 4));
  };
  const auto rotate = [](std::uint32_t x, int bits) { return x << bits | x >> (32 - bits); };
  while (bytes.size() > 12) {
    add(bytes.first(12));
    const std::array<int, 6> turns{4, 6, 8, 16, 19, 4};
    for (std::size_t i = 0; i < turns.size(); ++i) {
      auto& a = s[i % 3];
      auto& b = s[(i + 1) % 3];
      auto& c = s[(i + 2) % 3];
      a = (a - c) ^ rotate(c, turns[i]);
      c += b;
    }
    bytes = bytes.subspan(12);
  }
  if (bytes.empty()) return s[2];
  add(bytes);
  const std::array<int, 7> turns{14, 11, 25, 16, 4, 14, 24};
  for (std::size_t i = 0; i < turns.size(); ++i) {
    auto& to = s[(i + 2) % 3];
    const auto from = s[(i + 1) % 3];
    to = (to ^ from) - rotate(from, turns[i]);
  }
  return s[2];
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(Segment, ReferenceHasThePublishedVectors) {
  EXPECT_EQ(lookup3(bytes_of("Four score and seven years ago"), 0), 0x17770551U);
  EXPECT_EQ(lookup3(bytes_of("Four score and seven years ago"), 1), 0xcd628161U);
}

TEST(Segment, AgreesWithTheReferenceOnRandomAddresses) {
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    std::array<std::uint8_t, 16> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const auto part = std::span(bytes).first(i % 2 == 0 ? 4 : 16);
    const std::uint64_t hash = lookup3(part, HASYNC_SEGMENT_SEED);
    ASSERT_EQ(segment_of(*Address::from_wire(part)).value, (hash * 64) >> 32);
  }
}

// Every member must compute the same, in every release: these never change.
TEST(Segment, KnownVectors) {
  const std::vector<std::pair<std::string, std::uint32_t>> vectors = {
      {"192.0.2.1", 12}, {"192.0.2.2", 3},        {"198.51.100.7", 28}, {"203.0.113.255", 19},
      {"0.0.0.0", 2},    {"255.255.255.255", 47}, {"2001:db8::1", 51},  {"2001:db8:ffff::42", 10},
      {"fe80::1", 59}};
  for (const auto& [text, segment] : vectors)
    EXPECT_EQ(segment_of(*Address::parse(text)).value, segment) << text;
}

TEST(Segment, NeighbouringAddressesSpreadEvenly) {
  constexpr int kPeers = 64 * 1024;
  for (const bool v6 : {false, true}) {
    std::array<int, kSegments> count{};
    for (int i = 0; i < kPeers; ++i) {
      const auto high = static_cast<std::uint8_t>(i >> 8);
      const auto low = static_cast<std::uint8_t>(i);
      std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8, 0, 0, high, low};
      ++count.at(segment_of(v6 ? *Address::from_wire(bytes) : Address::v4(10, 1, high, low)).value);
    }
    // mean 1024, standard deviation about 32: six of them either way
    for (const int peers : count) {
      EXPECT_GT(peers, 1024 - 192);
      EXPECT_LT(peers, 1024 + 192);
    }
  }
}

}  // namespace
}  // namespace hasync::clusterip
