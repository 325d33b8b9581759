#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "hasyncd/adapters/key_file.h"
#include "hasyncd/adapters/seal.h"

namespace hasync::hasyncd {
namespace {

using testing::HasSubstr;

class KeyFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "hasync-keys-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path written(const std::string& text, mode_t mode = 0600) {
    const auto path = folder_ / "written";
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  std::string refusal(const std::string& text, mode_t mode = 0600) {
    const auto keys = load_keys(written(text, mode));
    return keys ? "accepted" : keys.error().what;
  }

  std::filesystem::path folder_;
};

const std::string kHex(64, 'a');

TEST_F(KeyFile, AGatewayAndAWitnessShareTheAuthKeyOnly) {
  const auto id = generate_keys(folder_ / "gateway.key", folder_ / "witness.key");
  ASSERT_TRUE(id) << id.error().what;
  const auto gateway = load_keys(folder_ / "gateway.key");
  const auto witness = load_keys(folder_ / "witness.key");
  ASSERT_TRUE(gateway && witness);
  EXPECT_EQ(gateway->ids(), std::vector{*id});
  EXPECT_EQ(witness->ids(), std::vector{*id});
  EXPECT_TRUE(witness->newest().context.empty());
  const auto about = additional_data(Purpose::Ring, NodeId{1});
  const Bytes text{1, 2, 3};
  Sealer a(*gateway, &Key::auth);
  Sealer b(*witness, &Key::auth);
  EXPECT_EQ(b.open(a.seal(text, about), about).value(), text);
  Sealer context(*gateway, &Key::context);
  EXPECT_FALSE(b.open(context.seal(text, about), about));
}

TEST_F(KeyFile, NewFilesAreForTheUserAloneAndNeverOverwritten) {
  ASSERT_TRUE(generate_keys(folder_ / "k", {}));
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "k").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  EXPECT_EQ(generate_keys(folder_ / "k", {}).error().code, Errc::Conflict);
  EXPECT_EQ(generate_keys(folder_ / "new", folder_ / "k").error().code, Errc::Conflict);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new"));  // both or none
}

TEST_F(KeyFile, ANewKeyIsAddedForAllAndTheOldOneRetired) {
  const auto first = generate_keys(folder_ / "gateway", folder_ / "witness");
  const auto second = add_key(folder_ / "gateway", folder_ / "witness2");
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  auto gateway = load_keys(folder_ / "gateway");
  auto witness = load_keys(folder_ / "witness2");
  ASSERT_TRUE(gateway && witness);
  EXPECT_EQ(gateway->ids(), (std::vector{*first, *second}));
  EXPECT_EQ(witness->ids(), (std::vector{*first, *second}));
  EXPECT_TRUE(std::ranges::equal(gateway->newest().auth.reveal(), witness->newest().auth.reveal()));
  EXPECT_FALSE(std::ranges::equal(gateway->keys[0].auth.reveal(), gateway->newest().auth.reveal()));
  EXPECT_TRUE(witness->newest().context.empty());

  for (const char* file : {"gateway", "witness2"}) {
    EXPECT_EQ(retire_keys(folder_ / file).value(), *second);
    EXPECT_EQ(load_keys(folder_ / file)->ids(), std::vector{*second});
    struct stat info {};
    ASSERT_EQ(::stat((folder_ / file).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0600U);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "gateway.new"));
}

TEST_F(KeyFile, AKeyIsAddedWholeOrNotAtAll) {
  ASSERT_TRUE(generate_keys(folder_ / "gateway", folder_ / "witness"));
  const auto before = load_keys(folder_ / "gateway")->ids();
  EXPECT_EQ(add_key(folder_ / "gateway", folder_ / "witness").error().code, Errc::Conflict);
  EXPECT_EQ(load_keys(folder_ / "gateway")->ids(), before);
  EXPECT_EQ(add_key(folder_ / "witness", {}).error().code, Errc::Denied);
  for (std::size_t i = before.size(); i < kMaxKeys; ++i) ASSERT_TRUE(add_key(folder_ / "gateway", {}));
  EXPECT_THAT(add_key(folder_ / "gateway", {}).error().what, HasSubstr("retire the old ones first"));
}

TEST_F(KeyFile, FilesThatOthersCanUseAreRefused) {
  const std::string good = "hasyncd-key 1\nid 12ab34cd\nsecret " + kHex + "\n";
  EXPECT_EQ(refusal(good), "accepted");
  EXPECT_THAT(refusal(good, 0640),
              testing::AllOf(HasSubstr("written"), HasSubstr("0640"), HasSubstr("chmod 0600")));
  EXPECT_THAT(refusal(good, 0602), HasSubstr("0602"));
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(written(good).c_str(), 1, 1), 0);
    EXPECT_THAT(load_keys(folder_ / "written").error().what, HasSubstr("belongs to user 1"));
  }
  EXPECT_THAT(load_keys(folder_).error().what, HasSubstr("not a regular file"));
  EXPECT_EQ(load_keys(folder_ / "absent").error().code, Errc::NotFound);
}

TEST_F(KeyFile, DamagedFilesAreRefusedWithTheReasonAndWithoutTheKey) {
  EXPECT_THAT(refusal(""), HasSubstr("hasyncd-key 1"));
  EXPECT_THAT(refusal("hasyncd-key 2\n"), HasSubstr("hasyncd-key 1"));
  EXPECT_THAT(refusal("hasyncd-key 1\nsecret " + kHex), HasSubstr("`id`"));
  EXPECT_THAT(refusal("hasyncd-key 1\nid 1\n"), HasSubstr("`secret` (gateway) and `auth` (witness)"));
  EXPECT_THAT(refusal("hasyncd-key 1\nid 1\nsecret " + kHex + "\nauth " + kHex), HasSubstr("needs one of"));
  const std::string twice = "id 1\nsecret " + kHex + "\n";
  EXPECT_THAT(refusal("hasyncd-key 1\n" + twice + twice), HasSubstr("00000001 twice"));
  EXPECT_THAT(refusal("hasyncd-key 1\n" + twice + "id 2\nauth " + kHex), HasSubstr("needs one of"));
  EXPECT_THAT(refusal("hasyncd-key 1\n" + twice + "id 2\n"), HasSubstr("needs one of"));
  EXPECT_THAT(refusal("hasyncd-key 1\nid 0\nsecret " + kHex), HasSubstr("`id`"));
  EXPECT_THAT(refusal("hasyncd-key 1\n" + twice + "colour red\n"), HasSubstr("`colour`"));
  const std::string short_key = refusal("hasyncd-key 1\nid 1\nauth " + kHex.substr(2));
  EXPECT_THAT(short_key, HasSubstr("`auth` is not 64 hex digits"));
  EXPECT_THAT(short_key, testing::Not(HasSubstr("aaaa")));
}

}  // namespace
}  // namespace hasync::hasyncd
