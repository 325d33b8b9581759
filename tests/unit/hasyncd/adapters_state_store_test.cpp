#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "hasyncd/adapters/state_store.h"

namespace hasync::hasyncd {
namespace {

class StateStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "hasync-state-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& text) { std::ofstream(folder_ / "epochs", std::ios::binary) << text; }
  std::filesystem::path folder_;
};

TEST_F(StateStoreTest, StartsAtZeroAndRemembersWhatWasSaved) {
  auto store = StateStore::open(folder_);
  ASSERT_TRUE(store) << store.error().what;
  EXPECT_EQ(store->epochs(), StoredEpochs{});
  const StoredEpochs first{Epoch{5}, Epoch{4}};
  const StoredEpochs second{Epoch{UINT64_MAX}, Epoch{7}};
  ASSERT_TRUE(store->save(first));
  EXPECT_EQ(StateStore::open(folder_)->epochs(), first);
  ASSERT_TRUE(store->save(second));
  EXPECT_EQ(store->epochs(), second);
  EXPECT_EQ(StateStore::open(folder_)->epochs(), second);
}

TEST_F(StateStoreTest, AnInterruptedWriteChangesNothing) {
  ASSERT_TRUE(StateStore::open(folder_)->save({Epoch{5}, Epoch{4}}));
  std::ofstream(folder_ / "epochs.new") << "hasyncd-epochs 1 prom";
  EXPECT_EQ(StateStore::open(folder_)->epochs(), (StoredEpochs{Epoch{5}, Epoch{4}}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "epochs.new"));
}

TEST_F(StateStoreTest, ADamagedFileIsRefused) {
  for (const char* text :
       {"", "x", "hasyncd-epochs 2 promised=1 confirmed=1\n", "hasyncd-epochs 1 promised=1 confirmed=1",
        "hasyncd-epochs 1 promised=1 confirmed=1\nx", "hasyncd-epochs 1 promised=-1 confirmed=1\n",
        "hasyncd-epochs 1 promised=99999999999999999999 confirmed=1\n",
        "hasyncd-epochs 1 promised=1 confirmed=2\n", "hasyncd-epochs 1 promised=01 confirmed=1\n"}) {
    write(text);
    const auto store = StateStore::open(folder_);
    ASSERT_FALSE(store) << text;
    EXPECT_EQ(store.error().code, Errc::Invalid);
    EXPECT_THAT(store.error().what, testing::HasSubstr((folder_ / "epochs").string()));
  }
}

TEST_F(StateStoreTest, AMissingFolderIsNamed) {
  EXPECT_THAT(StateStore::open(folder_ / "absent").error().what, testing::HasSubstr("absent"));
}

TEST_F(StateStoreTest, AFailedSaveKeepsTheOldNumbers) {
  auto store = StateStore::open(folder_);
  ASSERT_TRUE(store->save({Epoch{5}, Epoch{4}}));
  std::filesystem::create_directory(folder_ / "epochs.new");  // cannot be opened for writing
  EXPECT_FALSE(store->save({Epoch{6}, Epoch{4}}));
  EXPECT_EQ(store->epochs(), (StoredEpochs{Epoch{5}, Epoch{4}}));
}

}  // namespace
}  // namespace hasync::hasyncd
