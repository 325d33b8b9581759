// Sequence numbers of real kernel SAs, in a network namespace of its own: read, set, set by the hundred.
// Needs a kernel with ESP and iproute2; run in the booted kernel where the machine's has none.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "hasyncd/adapters/kernel_windows.h"
#include "xfrm/xfrm_ae.h"

namespace {

constexpr std::uint32_t kFirstSpi = 0x1000;
constexpr std::size_t kMany = 500;

class XfrmLive : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(unshare(CLONE_NEWNET), 0) << std::strerror(errno);
    std::FILE* batch = popen("ip -batch -", "w");
    ASSERT_NE(batch, nullptr);
    for (std::uint32_t i = 0; i < kMany; ++i) add(batch, kFirstSpi + i, "");
    add(batch, 0x900, "replay-window 32");
    add(batch, 0x901, "replay-window 128 flag esn");
    add(batch, 0x902, "replay-window 1 flag esn");  // as charon's outbound SAs with ESN
    ASSERT_EQ(pclose(batch), 0);
  }

  static void add(std::FILE* batch, std::uint32_t spi, const char* options) {
    std::fprintf(batch,
                 "xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x%x mode tunnel %s aead "
                 "'rfc4106(gcm(aes))' 0x%040x 128\n",
                 spi, options, spi);
  }

  void SetUp() override {
    fd_ = hasync_xfrm_open();
    ASSERT_GE(fd_, 0);
  }
  void TearDown() override { close(fd_); }

  static hasync_xfrm_sa_t sa(std::uint32_t spi) {
    hasync_xfrm_sa_t sa{};
    sa.family = AF_INET;
    sa.protocol = IPPROTO_ESP;
    sa.spi = spi;
    inet_pton(AF_INET, "192.0.2.2", sa.destination);
    return sa;
  }

  hasync_xfrm_ae_t get(std::uint32_t spi) const {
    hasync_xfrm_ae_t ae{};
    const auto named = sa(spi);
    EXPECT_EQ(hasync_xfrm_get(fd_, &named, &ae), 0) << std::hex << spi;
    return ae;
  }

  int set(std::uint32_t spi, const hasync_xfrm_ae_t& ae) const {
    const auto named = sa(spi);
    return hasync_xfrm_set(fd_, &named, &ae);
  }

  int fd_ = -1;
};

TEST_F(XfrmLive, AFreshSaHasUsedNoNumber) {
  const auto legacy = get(0x900);
  EXPECT_FALSE(legacy.esn_format);
  EXPECT_EQ(legacy.outbound, 0U);
  EXPECT_TRUE(legacy.has_lifetime);
  EXPECT_GT(legacy.add_time, 1'000'000'000U);
  const auto esn = get(0x901);
  EXPECT_TRUE(esn.esn_format);
  EXPECT_EQ(esn.window, 128U);
  EXPECT_EQ(esn.words, 4U);
}

TEST_F(XfrmLive, WhatIsSetIsReadBack) {
  for (const std::uint32_t spi : {0x900U, 0x901U}) {
    auto ae = get(spi);
    ae.outbound = ae.esn_format ? 0x3'0000'0001 : 70000;
    ae.inbound = ae.esn_format ? 0x2'ffff'ffff : 1234;
    for (std::uint32_t i = 0; i < ae.words; ++i) ae.bitmap[i] = 0xa5a5a5a5 + i;
    ae.packets = 77;
    ae.add_time -= 100;
    ASSERT_EQ(set(spi, ae), 0);
    const auto read = get(spi);
    EXPECT_EQ(read.outbound, ae.outbound);
    EXPECT_EQ(read.inbound, ae.inbound);
    EXPECT_EQ(std::memcmp(read.bitmap, ae.bitmap, sizeof ae.bitmap), 0);
    EXPECT_EQ(read.packets, 77U);
    EXPECT_EQ(read.add_time, ae.add_time);
  }
}

TEST_F(XfrmLive, TheWrongFormIsRefusedAndChangesNothing) {
  auto ae = get(0x901);
  const auto before = ae.outbound;
  ae.outbound += 5;
  ae.window = 64;
  ae.words = 2;
  EXPECT_EQ(set(0x901, ae), -EINVAL);
  EXPECT_EQ(get(0x901).outbound, before);
}

TEST_F(XfrmLive, AnSpiIsReservedOnce) {
  const std::array<std::uint8_t, 4> source{192, 0, 2, 1};
  const auto wanted = sa(0xc1234567), taken = sa(0x900);
  EXPECT_EQ(hasync_xfrm_reserve(fd_, &wanted, source.data()), 0);
  EXPECT_NE(hasync_xfrm_reserve(fd_, &wanted, source.data()), 0);
  EXPECT_NE(hasync_xfrm_reserve(fd_, &taken, source.data()), 0);
  // charon installs its inbound SA as an update of what it has reserved
  EXPECT_EQ(
      std::system("ip xfrm state update src 192.0.2.1 dst 192.0.2.2 proto esp spi 0xc1234567 mode tunnel "
                  "aead 'rfc4106(gcm(aes))' 0x1234567812345678123456781234567812345678 128"),
      0);
  EXPECT_EQ(get(0xc1234567).inbound, 0U);
}

TEST_F(XfrmLive, AnUnknownSaIsSaid) {
  hasync_xfrm_ae_t ae{};
  const auto nobody = sa(0xdead);
  EXPECT_EQ(hasync_xfrm_get(fd_, &nobody, &ae), -ESRCH);
  ae.words = 1;
  EXPECT_EQ(set(0xdead, ae), -ESRCH);
}

std::vector<hasync_xfrm_number_t> many(std::uint64_t number) {
  std::vector<hasync_xfrm_number_t> items(kMany);
  for (std::uint32_t i = 0; i < kMany; ++i) {
    items[i].sa.family = AF_INET;
    items[i].sa.protocol = IPPROTO_ESP;
    items[i].sa.spi = kFirstSpi + i;
    inet_pton(AF_INET, "192.0.2.2", items[i].sa.destination);
    items[i].number = number + i;
  }
  return items;
}

TEST_F(XfrmLive, ManyNumbersAreSetWithFewCalls) {
  const auto items = many(100000);
  std::vector<int> results(items.size(), -1);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(hasync_xfrm_set_numbers(fd_, items.data(), items.size(), results.data()), 0U);
  const auto took =
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  std::printf("%zu outbound numbers: %.1f us each\n", items.size(), took / static_cast<double>(items.size()));
  for (std::uint32_t i = 0; i < kMany; i += 37) EXPECT_EQ(get(kFirstSpi + i).outbound, 100000U + i);
  EXPECT_EQ(get(kFirstSpi + kMany - 1).outbound, 100000U + kMany - 1);
}

// An SA that charon is moving is gone for a moment; one of another form (here: of another window) is refused.
TEST_F(XfrmLive, OfABatchEachFailureIsToldAndTheOthersAreDone) {
  auto items = many(200000);
  items[300].sa.spi = 0xdead;
  items[301].sa.spi = 0x901;
  items[301].esn_window = 1;
  items[302].sa.spi = 0xbeef;
  items[kMany - 1].sa.spi = 0xdead;  // the one that is acknowledged
  std::vector<int> results(items.size(), -1);
  EXPECT_EQ(hasync_xfrm_set_numbers(fd_, items.data(), items.size(), results.data()), 4U);
  for (std::size_t i = 0; i < kMany; ++i) {
    const bool gone = i == 300 || i == 302 || i == kMany - 1;
    ASSERT_EQ(results[i], gone ? -ESRCH : i == 301 ? -EINVAL : 0) << i;
    const auto spi = static_cast<std::uint32_t>(kFirstSpi + i);
    const std::uint64_t counted = get(spi).outbound;
    ASSERT_TRUE(results[i] == 0 ? counted == 200000 + i : counted < 200000U) << i << ": " << counted;
  }
}

TEST_F(XfrmLive, AnOutboundSaWithEsnTakesNumbersAbove32Bits) {
  hasync_xfrm_number_t item{};
  item.sa = sa(0x902);
  item.number = 0x5'0000'0007;
  item.esn_window = 1;
  int result = -1;
  ASSERT_EQ(hasync_xfrm_set_numbers(fd_, &item, 1, &result), 0U);
  EXPECT_EQ(result, 0);
  EXPECT_EQ(get(0x902).outbound, 0x5'0000'0007U);
}

hasync_xfrm_number_t window_at(std::uint32_t spi, std::uint64_t top, std::uint32_t esn_window) {
  hasync_xfrm_number_t item{};
  item.sa.family = AF_INET;
  item.sa.protocol = IPPROTO_ESP;
  item.sa.spi = spi;
  inet_pton(AF_INET, "192.0.2.2", item.sa.destination);
  item.number = top;
  item.esn_window = esn_window;
  item.inbound = true;
  return item;
}

TEST_F(XfrmLive, InboundWindowsAreRaisedAndFilled) {
  const hasync_xfrm_number_t items[] = {window_at(0x900, 70000, 0), window_at(0x901, 0x3'0000'0009, 128)};
  int results[2] = {-1, -1};
  ASSERT_EQ(hasync_xfrm_set_numbers(fd_, items, 2, results), 0U);
  for (const hasync_xfrm_number_t& item : items) {
    const auto ae = get(item.sa.spi);
    EXPECT_EQ(ae.inbound, item.number);
    EXPECT_EQ(ae.outbound, 0U);
    for (std::uint32_t i = 0; i < ae.words; ++i) EXPECT_EQ(ae.bitmap[i], ~0U);
  }
}

TEST_F(XfrmLive, ADumpShowsEverySaTowardsTheAddress) {
  const hasync_xfrm_number_t item = window_at(0x901, 0x4'0000'0000, 128);
  int result = -1;
  ASSERT_EQ(hasync_xfrm_set_numbers(fd_, &item, 1, &result), 0U);
  std::map<std::uint32_t, hasync_xfrm_ae_t> seen;
  const auto note = [](void* to, const hasync_xfrm_sa_t* sa, const hasync_xfrm_ae_t* ae) {
    EXPECT_EQ(std::memcmp(sa->destination, "\xc0\x00\x02\x02", 4), 0);
    static_cast<std::map<std::uint32_t, hasync_xfrm_ae_t>*>(to)->emplace(sa->spi, *ae);
  };
  std::uint32_t sequence = 0;
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(hasync_xfrm_dump_begin(fd_, sa(0).destination, AF_INET, &sequence), 0);
  int more = 1;
  while (more == 1) more = hasync_xfrm_dump_next(fd_, sequence, note, &seen);
  const auto took =
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  std::printf("%zu windows: %.1f us each\n", seen.size(), took / static_cast<double>(seen.size()));
  EXPECT_EQ(more, 0);
  EXPECT_GE(seen.size(), kMany + 3);  // other tests have added some
  for (std::uint32_t i = 0; i < kMany; ++i) EXPECT_TRUE(seen.contains(kFirstSpi + i));
  EXPECT_EQ(seen.at(0x901).inbound, 0x4'0000'0000U);
  EXPECT_EQ(seen.at(0x901).window, 128U);
  EXPECT_FALSE(seen.at(0x900).esn_format);

  std::uint8_t elsewhere[16] = {192, 0, 2, 77};
  seen.clear();
  ASSERT_EQ(hasync_xfrm_dump_begin(fd_, elsewhere, AF_INET, &sequence), 0);
  EXPECT_EQ(hasync_xfrm_dump_next(fd_, sequence, note, &seen), 0);
  EXPECT_TRUE(seen.empty());
}

// As charon does it with a newer context of an IKE_SA whose CHILD_SA is there; or without one for a moment.
TEST_F(XfrmLive, WindowsOfSasThatWereInstalledAnewAreRaisedAnew) {
  using namespace hasync;
  constexpr auto kInstall =
      "ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0xa00 mode tunnel replay-window 32 aead "
      "'rfc4106(gcm(aes))' 0x1234567812345678123456781234567812345678 128";
  constexpr auto kRemove = "ip xfrm state delete src 192.0.2.1 dst 192.0.2.2 proto esp spi 0xa00";
  const Address address = Address::v4(192, 0, 2, 2);
  const auto opened = hasyncd::KernelWindows::open({address});
  ASSERT_TRUE(opened);
  hasyncd::KernelWindows& windows = **opened;
  const std::vector<hasyncd::InboundTop> first{{{address, EspSpi{0xa00}}, 500}};
  const std::vector<hasyncd::InboundTop> second{{{address, EspSpi{0xa00}}, 600}};
  ASSERT_EQ(std::system(kInstall), 0);
  ASSERT_TRUE(windows.raise(first, std::chrono::seconds{100}));
  EXPECT_EQ(get(0xa00).inbound, 500U);
  ASSERT_EQ(std::system(kRemove) + std::system(kInstall), 0);
  windows.reinstalled(first);
  ASSERT_TRUE(windows.raise(first, std::chrono::seconds{101}));
  EXPECT_EQ(get(0xa00).inbound, 500U);
  ASSERT_EQ(std::system(kRemove), 0);
  ASSERT_TRUE(windows.raise(second, std::chrono::seconds{102}));  // nothing to protect
  ASSERT_EQ(std::system(kInstall), 0);
  ASSERT_TRUE(windows.raise(second, std::chrono::seconds{103}));
  EXPECT_EQ(get(0xa00).inbound, 600U);
  EXPECT_EQ(std::system(kRemove), 0);
}

TEST_F(XfrmLive, AnEmptyBatchIsDone) {
  EXPECT_EQ(hasync_xfrm_set_numbers(fd_, nullptr, 0, nullptr), 0U);
}

}  // namespace
