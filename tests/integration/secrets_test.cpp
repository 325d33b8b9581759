// Where a key is, and where it is not: two real gateways hand over a context, and their memory is searched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/rand.h>

#include <cinttypes>
#include <cstring>
#include <sstream>

#include "base/bytes.h"
#include "tests/integration/daemon_hosts.h"
#include "tests/support/context_samples.h"
#include "tests/support/fake_plugin.h"

namespace hasync {
namespace {

namespace fs = std::filesystem;

constexpr SaId kSa{0x1111111111111111, 0x2222222222222222};

std::string random_key() {
  std::string out(32, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
  return out;
}

// How often `wanted` stands in the writable memory of a process, which may go on meanwhile.
std::size_t found_in(pid_t pid, const std::string& wanted) {
  const std::string proc = "/proc/" + std::to_string(pid);
  const int memory = ::open((proc + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  std::ifstream maps(proc + "/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    char writable = '-';
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " r%c", &from, &to, &writable) != 3 ||
        writable != 'w')
      continue;
    std::string bytes(to - from, '\0');
    const ssize_t length = ::pread(memory, bytes.data(), bytes.size(), static_cast<off_t>(from));
    bytes.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    for (std::size_t at = 0; (at = bytes.find(wanted, at)) != std::string::npos; ++at) ++count;
  }
  ::close(memory);
  return count;
}

class SecretsTest : public DaemonHosts {
 protected:
  void SetUp() override {
    DaemonHosts::SetUp();
    if (IsSkipped()) return;
    for (int node = 1; node <= 2; ++node) {
      write_config(node, "", "gateway");
      charon_[node] = std::make_unique<test::FakePlugin>(folder_ / ("charon" + std::to_string(node)));
    }
    for (int node = 1; node <= 3; ++node) start(node);
    ASSERT_TRUE(until([&] { return owner() != 0 && ready(3 - owner()); })) << log();
    // all: a move is void where another comes in meanwhile
    ASSERT_TRUE(until([&] { return members(owner()) == std::vector{1, 2, 3}; })) << log();
  }
  void TearDown() override {
    DaemonHosts::TearDown();  // the daemons first: a plugin serves its client to the end
    charon_ = {};
  }

  int owner() const {
    for (int node = 1; node <= 2; ++node) {
      if (status(node).value("state", "") == "owner") return node;
    }
    return 0;
  }
  bool ready(int node) const {
    for (const auto& member : status(node).value("members", nlohmann::json::array())) {
      if (member["id"] == node) return member.value("ready", false);
    }
    return false;
  }
  nlohmann::json keys(int node, const std::string& step = "status") const {
    const auto reply = ask(node, "key --key " + key_file(node) + " " + step);
    return reply.is_object() && reply.contains("keys") ? reply["keys"] : reply;
  }
  std::string seals_with(int node) const { return keys(node).value("seals_with", ""); }
  void give_key_file(const fs::path& from, int node) const {
    fs::copy_file(from, key_file(node), fs::copy_options::overwrite_existing);
  }
  pid_t pid(int node) const { return pids_[static_cast<std::size_t>(node)]; }

  std::array<std::unique_ptr<test::FakePlugin>, 3> charon_;
};

TEST_F(SecretsTest, NoKeyOfATunnelStaysInTheMemoryThatItPassed) {
  proto::Context context = sample_context();
  const std::string ike_key = random_key();
  const std::string esp_key = random_key();
  const std::string private_value = random_key();
  context.mutable_ike()->set_sk_d(ike_key);
  context.mutable_children(0)->set_outbound_encryption_key(esp_key);
  context.mutable_ike()->mutable_outstanding_requests(0)->mutable_rekey()->set_private_value(private_value);
  const int from = owner();
  const int to = 3 - from;
  charon_[from]->change(kSa, context.SerializeAsString());
  ASSERT_TRUE(until([&] { return charon_[to]->contexts().contains(kSa); })) << log();
  ASSERT_THAT(charon_[to]->contexts().at(kSa), testing::HasSubstr(esp_key));  // it was the real one
  ASSERT_TRUE(until([&] { return status(to)["counters"].value("put_total", 0) == 1; })) << log();

  EXPECT_GT(found_in(pid(to), folder_.string()), 0U);  // the search does find what is there
  for (const int node : {from, to}) {
    EXPECT_EQ(found_in(pid(node), ike_key), 0U) << "node " << node;
    EXPECT_EQ(found_in(pid(node), esp_key), 0U) << "node " << node;
    EXPECT_EQ(found_in(pid(node), private_value), 0U) << "node " << node;
  }
}

// CAP_NET_ADMIN 12, CAP_NET_RAW 13, CAP_IPC_LOCK 14, CAP_BPF 39.
TEST_F(SecretsTest, OnlyTheNeededPrivilegesAreKept) {
  int gateway = 0;  // it may lapse for a moment, where others keep the processors busy
  ASSERT_TRUE(until([&] { return (gateway = owner()) != 0; })) << log();
  for (const char* set : {"CapEff", "CapPrm"}) {
    EXPECT_EQ(process(gateway, set), "0000008000007000");
    EXPECT_EQ(process(3, set), "0000000000004000") << "the witness";
  }
  for (const int node : {1, 2, 3}) {
    for (const char* set : {"CapBnd", "CapInh", "CapAmb"}) EXPECT_EQ(process(node, set), "0000000000000000");
    EXPECT_EQ(process(node, "NoNewPrivs"), "1");
    EXPECT_NE(process(node, "VmLck"), "0 kB");
  }
  // They are enough: to own and to let go.
  const int from = owner();
  ASSERT_EQ(ask(from, "failover")["ok"], true) << log();
  EXPECT_TRUE(until([&] { return owner() == 3 - from && ready(from); })) << log();
  EXPECT_EQ(end(3 - from, SIGTERM), 0);
  EXPECT_TRUE(until([&] { return owner() == from; })) << log();
}

TEST_F(SecretsTest, TheClustersKeyChangesWhileAllRunsAndANodeIsDown) {
  const int from = owner();
  const int to = 3 - from;
  charon_[from]->change(kSa, sample_context().SerializeAsString());
  ASSERT_TRUE(until([&] { return charon_[to]->contexts().contains(kSa); })) << log();
  const std::string old_key = seals_with(from);
  fs::copy_file(key_file(3), folder_ / "old.key");

  end(3, SIGKILL);
  const std::string fresh = keys(from, "rotate --witness " + (folder_ / "new.key").string())["key_id"];
  EXPECT_NE(fresh, old_key);
  give_key_file(key_file(from), to);
  keys(to, "reload");
  ASSERT_TRUE(until([&] { return keys(from)["members"].dump().find(fresh) != std::string::npos; }))
      << keys(from);
  // The witness is known to have the old one only: nothing may change that keeps it out.
  EXPECT_EQ(seals_with(from), old_key);
  EXPECT_THAT(keys(from, "retire").dump(), testing::HasSubstr("n3 does not seal with " + fresh));
  start(3);
  ASSERT_TRUE(until([&] { return members(3) == std::vector{1, 2, 3}; })) << log();

  // Its file is the last: from here on all use the new one, and the log's contexts with them.
  give_key_file(folder_ / "new.key", 3);
  keys(3, "reload");
  for (int node = 1; node <= 3; ++node) {
    ASSERT_TRUE(until([&] { return seals_with(node) == fresh; })) << keys(node);
  }
  const nlohmann::json renewed = {{fresh, 1}};
  ASSERT_TRUE(until([&] { return keys(3)["contexts"] == renewed && keys(to)["contexts"] == renewed; }))
      << log();
  const std::uint64_t epoch = status(from)["epoch"];
  for (int node = 1; node <= 3; ++node) {
    ASSERT_TRUE(until([&] { return keys(node)["needed"] == ""; })) << keys(node);
    EXPECT_EQ(keys(node, "retire")["keys"], nlohmann::json({fresh}));
  }
  EXPECT_EQ(status(from)["epoch"], epoch);
  for (int node = 1; node <= 3; ++node)
    EXPECT_EQ(status(node)["counters"]["ring_unsealed"], 0) << "node " << node;

  // What the log holds opens with the new key alone.
  end(to, SIGKILL);
  charon_[to] = nullptr;
  fs::remove(folder_ / ("charon" + std::to_string(to)));
  charon_[to] = std::make_unique<test::FakePlugin>(folder_ / ("charon" + std::to_string(to)));
  start(to);
  EXPECT_TRUE(until([&] { return charon_[to]->contexts().contains(kSa); })) << log();

  // Who comes back too late is told what it lacks, and joins once it has it.
  end(3, SIGKILL);
  give_key_file(folder_ / "old.key", 3);
  start(3);
  EXPECT_TRUE(until([&] {
    return log().find("sealed with key " + fresh + "; the key file here has " + old_key) != std::string::npos;
  })) << log();
  give_key_file(folder_ / "new.key", 3);
  keys(3, "reload");
  EXPECT_TRUE(until([&] { return members(3) == std::vector{1, 2, 3}; })) << log();
}

TEST_F(SecretsTest, TheClustersKeyStandsInNoCoreDump) {
  std::ifstream in(key_file(1));
  for (std::string word; in >> word;) {
    if (word.size() == 64) {
      EXPECT_EQ(found_in(pid(1), word), 0U);
    }
  }
  int ended = 0;
  ::kill(pid(1), SIGABRT);
  ASSERT_EQ(::waitpid(std::exchange(pids_[1], -1), &ended, 0) > 0, true);
  EXPECT_TRUE(WIFSIGNALED(ended));
  EXPECT_FALSE(WCOREDUMP(ended));
}

}  // namespace
}  // namespace hasync
