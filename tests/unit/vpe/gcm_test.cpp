#include "vpe/gcm.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/vpe_packets.h"
#include "vpe/adapters/gcm_providers.h"

namespace hasync::vpe {
namespace {

Bytes random_bytes(std::mt19937& random, std::size_t size) {
  Bytes out(size);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
  return out;
}

// From one buffer to another, cut where `cuts` says.
std::vector<Piece> pieces_of(const Bytes& from, Bytes& to, std::initializer_list<std::size_t> cuts) {
  std::vector<Piece> out;
  std::size_t at = 0;
  for (const std::size_t cut : cuts) {
    out.push_back({from.data() + at, to.data() + at, cut - at});
    at = cut;
  }
  out.push_back({from.data() + at, to.data() + at, from.size() - at});
  return out;
}

class Libraries : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    if (!make_gcm_provider("ipsec-mb")) GTEST_SKIP() << "SKIPPED: intel-ipsec-mb does not work here";
  }
  std::mt19937 random_{1};
};

TEST_P(Libraries, AgreeOnEveryByteAndOpenEachOthers) {
  const Bytes key = random_bytes(random_, GetParam());
  const auto fast = test::gcm("ipsec-mb", key);
  const auto portable = test::gcm("openssl", key);
  for (std::size_t size = 1; size < 2000; size += size < 300 ? 1 : 37) {
    const Bytes iv = random_bytes(random_, 12), additional = random_bytes(random_, size % 3 * 6);
    const Bytes plain = random_bytes(random_, size);
    Bytes a(size), b(size), icv_a(16), icv_b(16), back(size);
    const std::size_t cut = size / 3;
    fast->seal(iv.data(), additional, pieces_of(plain, a, {}), icv_a.data());
    portable->seal(iv.data(), additional, pieces_of(plain, b, {cut}), icv_b.data());
    ASSERT_EQ(a, b) << size;
    ASSERT_EQ(icv_a, icv_b) << size;
    ASSERT_TRUE(fast->open(iv.data(), additional, pieces_of(a, back, {cut, cut}), icv_b.data()));
    ASSERT_EQ(back, plain);
    ASSERT_TRUE(portable->open(iv.data(), additional, pieces_of(a, back, {}), icv_a.data()));
    ASSERT_EQ(back, plain);
    icv_a[size % 16] ^= static_cast<std::uint8_t>(1 << (size % 8));
    ASSERT_FALSE(fast->open(iv.data(), additional, pieces_of(a, back, {}), icv_a.data()));
    ASSERT_FALSE(fast->open(iv.data(), additional, pieces_of(a, back, {cut}), icv_a.data()));
    ASSERT_FALSE(portable->open(iv.data(), additional, pieces_of(a, back, {}), icv_a.data()));
  }
}

INSTANTIATE_TEST_SUITE_P(Keys, Libraries, testing::Values(16, 32));

TEST(GcmProviders, RefuseWhatTheyDoNotKnow) {
  EXPECT_EQ(make_gcm_provider("rot13").error().code, Errc::Invalid);
  for (const char* library : {"auto", "openssl"}) {
    auto provider = make_gcm_provider(library);
    ASSERT_TRUE(provider);
    EXPECT_FALSE((*provider)->make(test::key(24)));
    EXPECT_FALSE((*provider)->make(test::key(0)));
    EXPECT_FALSE((*provider)->make(test::key(20))) << "KEYMAT with its salt";
    EXPECT_TRUE((*provider)->make(test::key(16)));
  }
}

}  // namespace
}  // namespace hasync::vpe
