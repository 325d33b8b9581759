// `haipsec get` and `put` between two stand-ins for charon's plugin.
#include "haipsec/transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "context.pb.h"
#include "hasyncd/adapters/key_file.h"
#include "tests/support/fake_plugin.h"

namespace hasync::haipsec {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

proto::Context context_of(std::uint64_t spi, const std::string& name, std::uint64_t number,
                          bool esn = false) {
  proto::Context out;
  out.set_major(1);
  proto::IkeSa& ike = *out.mutable_ike();
  ike.set_initiator_spi(spi);
  ike.set_responder_spi(0xdef);
  ike.set_connection(name);
  ike.set_sk_d("the secret of this tunnel");
  ike.mutable_local()->set_address(std::string("\xc0\0\2\1", 4));
  ike.mutable_remote()->set_address(std::string("\xc6\x33\x64\7", 4));
  proto::ChildSa& child = *out.add_children();
  child.set_protocol(50);
  child.set_name("net");
  child.set_inbound_spi(1);
  child.set_outbound_spi(2);
  child.set_esn(esn);
  child.set_outbound_number(number);
  return out;
}

constexpr SaId kFirst{0xabcd000000000001, 0xdef};
constexpr SaId kSecond{0xabcd000000000002, 0xdef};

class TransferTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "haipsec-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    here_ = std::make_unique<test::FakePlugin>(folder_ / "here");
    there_ = std::make_unique<test::FakePlugin>(folder_ / "there");
    here_->hold(kFirst, context_of(kFirst.initiator_spi, "branch-7", 1000).SerializeAsString());
    here_->hold(kSecond, context_of(kSecond.initiator_spi, "branch-8", 5).SerializeAsString());
    ASSERT_TRUE(hasyncd::generate_keys(folder_ / "key", folder_ / "witness"));
    options_.json = true;
    options_.key = folder_ / "key";
    options_.file = folder_ / "file";
    options_.tunnel = "branch-7";
    options_.charon = folder_ / "here";
  }
  void TearDown() override {
    here_.reset();
    there_.reset();
    fs::remove_all(folder_);
  }

  int run(int (*command)(const Options&)) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = command(options_);
    output_ = testing::internal::GetCapturedStdout();
    errors_ = testing::internal::GetCapturedStderr();
    return code;
  }
  std::string content() const {
    std::ifstream in(options_.file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path folder_;
  std::unique_ptr<test::FakePlugin> here_;
  std::unique_ptr<test::FakePlugin> there_;
  Options options_;
  std::string output_;
  std::string errors_;
};

TEST_F(TransferTest, ATunnelGoesOnElsewhereBehindTheNumbersThatMayHaveLeft) {
  options_.release = true;
  ASSERT_EQ(run(get), kOk) << errors_;
  EXPECT_THAT(output_, HasSubstr("\"released\":true"));
  EXPECT_EQ(here_->contexts().count(kFirst), 0U);
  EXPECT_EQ(here_->contexts().count(kSecond), 1U);
  EXPECT_THAT(content(), StartsWith("hasyncd-context 1 sealed with key "));
  EXPECT_EQ(content().find("the secret"), std::string::npos);
  struct stat info {};
  ASSERT_EQ(::stat(options_.file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);

  options_.charon = folder_ / "there";
  options_.skip = 500;
  ASSERT_EQ(run(put), kOk) << errors_;
  proto::Context arrived;
  ASSERT_TRUE(arrived.ParseFromString(there_->contexts().at(kFirst)));
  EXPECT_EQ(arrived.ike().sk_d(), "the secret of this tunnel");
  EXPECT_EQ(arrived.children(0).outbound_number(), 1500U);
}

TEST_F(TransferTest, APlainFileNeedsTheWordBothTimesAndIsLoud) {
  options_.plain = true;
  ASSERT_EQ(run(get), kOk);
  EXPECT_THAT(errors_, HasSubstr("WARNING"));
  EXPECT_THAT(content(), StartsWith("hasyncd-context 1 PLAIN"));
  options_.charon = folder_ / "there";
  options_.plain = false;
  EXPECT_EQ(run(put), kRefused);
  EXPECT_THAT(errors_, HasSubstr("is not sealed"));
  EXPECT_TRUE(there_->contexts().empty());
  options_.plain = true;
  EXPECT_EQ(run(put), kOk) << errors_;
}

TEST_F(TransferTest, NothingIsOverwrittenAndNothingReleasedThen) {
  std::ofstream(options_.file) << "precious";
  options_.release = true;
  EXPECT_EQ(run(get), kRefused);
  EXPECT_EQ(content(), "precious");
  EXPECT_EQ(here_->contexts().size(), 2U);
}

TEST_F(TransferTest, DamagedForeignAndWronglyKeyedFilesInstallNothing) {
  ASSERT_EQ(run(get), kOk);
  const std::string good = content();
  options_.charon = folder_ / "there";
  for (const std::string& bad : {std::string(), std::string("junk"), good.substr(0, good.size() - 1),
                                 good + "x", good.substr(0, 30), std::string(1 << 20, 'x')}) {
    std::ofstream(options_.file, std::ios::binary | std::ios::trunc) << bad;
    EXPECT_EQ(run(put), kRefused) << bad.size();
    EXPECT_THAT(errors_, HasSubstr(options_.file)) << bad.size();
  }
  std::ofstream(options_.file, std::ios::binary | std::ios::trunc) << good;
  options_.key = folder_ / "witness";
  EXPECT_EQ(run(put), kRefused);
  EXPECT_THAT(errors_, HasSubstr("witness"));
  options_.key = folder_ / "other";
  ASSERT_TRUE(hasyncd::generate_keys(options_.key, {}));
  EXPECT_EQ(run(put), kRefused);
  EXPECT_THAT(errors_, HasSubstr("sealed with key"));
  EXPECT_TRUE(there_->contexts().empty());
}

TEST_F(TransferTest, WithoutCharonItIsNotReachable) {
  options_.charon = folder_ / "nowhere";
  EXPECT_EQ(run(get), kUnreachable);
  EXPECT_THAT(errors_, HasSubstr("is charon running"));
}

TEST(ChooseTunnel, ByNameOrStartOfTheSpi) {
  const std::vector<ctx::SaSummary> tunnels{
      {kFirst, "a", "", "198.51.100.7", true, true, 1},
      {kSecond, "b", "", "198.51.100.8", true, true, 1},
      {{0x1234567812345678, 1}, "b", "", "198.51.100.9", true, true, 1}};
  EXPECT_EQ(choose_tunnel(tunnels, "a")->sa, kFirst);
  EXPECT_EQ(choose_tunnel(tunnels, "1234")->remote, "198.51.100.9");
  EXPECT_EQ(choose_tunnel(tunnels, "abcd000000000002")->sa, kSecond);
  EXPECT_THAT(choose_tunnel(tunnels, "b").error().what,
              HasSubstr("b fits several tunnels\n  b 198.51.100.8"));
  EXPECT_THAT(choose_tunnel(tunnels, "abcd").error().what, HasSubstr("fits several"));
  EXPECT_THAT(choose_tunnel(tunnels, "c").error().what,
              HasSubstr("no tunnel is called c; there are\n  a 198"));
  EXPECT_THAT(choose_tunnel({}, "c").error().what, HasSubstr("has no tunnels"));
}

TEST(SkipNumbers, RefusesNumbersThatWouldRunOut) {
  EXPECT_TRUE(skip_numbers(context_of(1, "a", UINT32_MAX - 10).SerializeAsString(), 10));
  EXPECT_FALSE(skip_numbers(context_of(1, "a", UINT32_MAX - 10).SerializeAsString(), 11));
  EXPECT_TRUE(skip_numbers(context_of(1, "a", UINT32_MAX, true).SerializeAsString(), 11));
  EXPECT_FALSE(skip_numbers(context_of(1, "a", UINT64_MAX, true).SerializeAsString(), 1));
  EXPECT_FALSE(skip_numbers("junk", 1));
}

}  // namespace
}  // namespace hasync::haipsec
