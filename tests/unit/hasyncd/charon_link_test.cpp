// CharonLink against a stand-in for charon's plugin: what a thousand contexts may cost the loop at once.
#include "hasyncd/charon_link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "hasyncd/adapters/seal.h"
#include "tests/support/context_samples.h"
#include "tests/support/fake_plugin.h"

namespace hasync::hasyncd {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::uint64_t kMany = 1000;

SaId sa(std::uint64_t i) {
  return {i, i};
}

class CharonLinkTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "charon-link-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    ASSERT_TRUE(generate_keys(folder_ / "key", std::nullopt));
    keys_ = *load_keys(folder_ / "key");
    charon_ = std::make_unique<test::FakePlugin>(folder_ / "socket");
    Config config;
    config.charon_socket = folder_ / "socket";
    config.vips = {{.interface = "wan0", .address = *Address::parse("192.0.2.100")}};
    link_ = std::make_unique<CharonLink>(
        io_, config, keys_,
        CharonLink::Callbacks{.report = [this](const ContextReport& of) { reported_.insert(of.sa); },
                              .gone = [](SaId, std::uint64_t) {},
                              .synced = [this] { synced_ = true; },
                              .lost = [this] { ++lost_; },
                              .put = [this](SaId of, bool installed) { put_.emplace_back(of, installed); },
                              .released = [](const std::vector<SaId>&) {},
                              .note = [this](const std::string&, const std::string& text) { noted_ = text; },
                              .trace = [](const ContextTrace&) {},
                              .sealing_key = [this] { return keys_.newest().id; }});
    link_->start();
    ASSERT_TRUE(until([this] { return synced_; }));
  }
  void TearDown() override {
    link_.reset();
    charon_.reset();
    fs::remove_all(folder_);
  }

  static std::string encoded(std::uint64_t i, const std::string& local = "192.0.2.100") {
    proto::Context context = sample_context();
    const Address address = *Address::parse(local);
    context.mutable_ike()->mutable_local()->set_address(address.wire().data(), address.wire().size());
    context.mutable_ike()->set_initiator_spi(i);
    context.mutable_ike()->set_responder_spi(i);
    return context.SerializeAsString();
  }

  PutContext context(std::uint64_t i, const std::string& local = "192.0.2.100") {
    Sealer sealer(keys_, &Key::context);
    const Bytes sealed = sealer.seal(view_of(encoded(i, local)), additional_data(Purpose::Context, kNobody));
    return {sa(i), std::string(text_of(sealed)), false, {}};
  }

  bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!condition() && std::chrono::steady_clock::now() < end) {
      io_.restart();
      io_.run_one_for(20ms);
    }
    return condition();
  }

  fs::path folder_;
  boost::asio::io_context io_{1};
  KeySet keys_;
  std::unique_ptr<test::FakePlugin> charon_;
  std::unique_ptr<CharonLink> link_;
  bool synced_ = false;
  int lost_ = 0;
  std::string noted_;
  std::set<SaId> reported_;
  std::vector<std::pair<SaId, bool>> put_;
};

// Its socket is there, but nobody accepts: whoever connects must not wait for that.
TEST_F(CharonLinkTest, ACharonThatAcceptsNobodyIsAnErrorAtOnce) {
  boost::asio::local::stream_protocol::acceptor deaf(io_);
  deaf.open();
  deaf.bind(boost::asio::local::stream_protocol::endpoint((folder_ / "deaf").string()));
  deaf.listen(1);
  std::vector<std::unique_ptr<ctx::CharonClient>> waiting;
  for (int i = 0; i < 10; ++i) {
    auto client = ctx::CharonClient::connect(io_, folder_ / "deaf", {.lost = [](const Error&) {}});
    if (!client) break;
    waiting.push_back(*std::move(client));
  }
  EXPECT_GE(waiting.size(), 1U);
  EXPECT_LT(waiting.size(), 10U);
}

TEST_F(CharonLinkTest, AnIkeSaOnAnAddressThatNobodyTakesOverIsNamed) {
  link_->ask(context(1));
  link_->ask(context(2, "192.0.2.1"));
  ASSERT_TRUE(until([this] { return put_.size() == 2; }));
  EXPECT_EQ(link_->stationary(), std::set{sa(2)});
  EXPECT_NE(noted_.find("192.0.2.1,"), std::string::npos) << noted_;
  link_->ask(context(2));  // its peer has come back
  ASSERT_TRUE(until([this] { return put_.size() == 3; }));
  EXPECT_TRUE(link_->stationary().empty());
}

// An operator looks the code up, and alarms may rest on it.
TEST_F(CharonLinkTest, WhatCharonRefusesIsNotedWithItsCode) {
  charon_->lack_connections();
  link_->ask(context(1));
  ASSERT_TRUE(until([this] { return put_.size() == 1; }));
  EXPECT_EQ(put_.front(), std::pair(sa(1), false));
  EXPECT_NE(noted_.find(": NO_CONFIG: context.ike.connection: no connection tunnel here"), std::string::npos)
      << noted_;
}

TEST_F(CharonLinkTest, ManyPutsLeaveTheLoopFreeAndKeepTheirOrder) {
  for (std::uint64_t i = 1; i <= kMany; ++i) link_->ask(context(i));
  link_->ask(ReleaseContexts{{sa(1), sa(kMany)}});
  EXPECT_NE(link_->view(sa(1)), nullptr);
  EXPECT_EQ(link_->view(sa(kMany / 10)), nullptr) << "opened before the loop has had a turn";
  ASSERT_TRUE(until([this] { return put_.size() == kMany; }));
  for (std::uint64_t i = 1; i <= kMany; ++i) EXPECT_EQ(put_[i - 1], std::pair(sa(i), true));
  // What was asked for after them has not overtaken them.
  EXPECT_TRUE(until([this] { return charon_->contexts().size() == kMany - 2; }));
}

// Whoever waited for them is told that charon has gone, and asks the next one.
TEST_F(CharonLinkTest, PutsThatWaitWhenCharonGoesAreForgotten) {
  synced_ = false;
  for (std::uint64_t i = 1; i <= kMany; ++i) link_->ask(context(i));
  charon_->hang_up();
  ASSERT_TRUE(until([this] { return synced_; }));
  EXPECT_EQ(lost_, 1);
  link_->ask(context(kMany + 1));
  ASSERT_TRUE(until([this] { return !put_.empty() && put_.back() == std::pair(sa(kMany + 1), true); }));
  EXPECT_LT(put_.size(), kMany);
}

// A full queue: nothing is dropped in silence, charon tells everything anew.
TEST_F(CharonLinkTest, ACharonThatDoesNotReadIsGivenUpAndAskedAnew) {
  std::vector<SaId> many;
  for (std::uint64_t i = 1; i <= 40'000; ++i) many.push_back({i << 32U, i << 32U});
  {
    const auto hung = charon_->hang();
    for (int i = 0; i < 60 && lost_ == 0; ++i) link_->ask(SetActive{many, true});
    EXPECT_EQ(lost_, 1);
    synced_ = false;
  }
  EXPECT_NE(noted_.find("charon does not read"), std::string::npos) << noted_;
  EXPECT_TRUE(until([this] { return synced_; }));
}

TEST_F(CharonLinkTest, AnEventThatIsMissingEndsTheConnectionAndAllIsToldAnew) {
  synced_ = false;
  charon_->lose_next_event();
  charon_->change(sa(1), encoded(1));
  charon_->change(sa(2), encoded(2));
  EXPECT_TRUE(until([this] { return synced_; }));
  EXPECT_EQ(lost_, 1);
  EXPECT_NE(noted_.find("events were lost"), std::string::npos) << noted_;
  EXPECT_EQ(reported_, (std::set{sa(1), sa(2)}));
}

TEST_F(CharonLinkTest, TheFirstEventOfAConnectionIsMissedAsWell) {
  charon_->hold(sa(1), encoded(1));
  charon_->lose_next_event();
  charon_->hang_up();
  EXPECT_TRUE(until([this] { return reported_.contains(sa(1)); }));
  EXPECT_EQ(lost_, 2);
}

TEST_F(CharonLinkTest, ACharonThatAnswersNoPutIsGivenUpAndAskedAnew) {
  constexpr std::uint64_t kAtOnce = 16;
  {
    const auto hung = charon_->hang();
    for (std::uint64_t i = 1; i <= kAtOnce; ++i) link_->ask(context(i));
    for (std::uint32_t i = 0; i <= 1U << 18U; ++i) link_->ask(ReleaseContexts{});
    EXPECT_EQ(lost_, 1);
    synced_ = false;
  }
  EXPECT_EQ(put_.size(), kAtOnce) << "each is answered, if only by a failure";
  EXPECT_TRUE(until([this] { return synced_; }));
}

}  // namespace
}  // namespace hasync::hasyncd
