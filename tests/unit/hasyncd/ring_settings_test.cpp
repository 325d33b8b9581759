#include "hasyncd/ring_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/hasyncd/shipped_times.h"

namespace hasync::hasyncd {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

RingSettings good_ring() {
  return {NodeId{1}, {NodeId{1}, NodeId{2}}, "branch", "knet", "aes256", true, {}, {65ms, 31ms, 78ms}};
}

Config good_config() {
  Config config = shipped_times();
  config.node = NodeId{1};
  config.cluster_name = "branch";
  config.members = {{NodeId{1}, "a", {}}, {NodeId{2}, "b", {}}};
  return config;
}

TEST(RingCheck, AGoodRingPasses) {
  const RingCheck check = check_ring(good_ring(), good_config());
  EXPECT_THAT(check.errors, IsEmpty());
  EXPECT_THAT(check.warnings, IsEmpty());
}

// docs/decisions/0008-two-nodes.md
TEST(RingCheck, AQuorumDeviceIsPermittedAndSaidToCountForNothing) {
  RingSettings ring = good_ring();
  ring.device = QuorumDevice{.runs = true, .answers = true, .votes = true};
  const RingCheck check = check_ring(ring, good_config());
  EXPECT_THAT(check.errors, IsEmpty());
  EXPECT_THAT(check.warnings, ElementsAre(AllOf(HasSubstr("quorum.device: its vote does not count"),
                                                EndsWith("corosync-qdevice has qnetd's vote"))));
}

TEST(RingCheck, WhatIsSeenOfAQuorumDeviceIsTold) {
  RingSettings ring = good_ring();
  const auto told = [&](QuorumDevice device) {
    ring.device = device;
    return check_ring(ring, good_config()).warnings;
  };
  EXPECT_THAT(told({}), ElementsAre(EndsWith("does not run")));
  EXPECT_THAT(told({.runs = true}), ElementsAre(EndsWith("does not answer corosync in time")));
  EXPECT_THAT(told({.runs = true, .answers = true}), ElementsAre(HasSubstr("has no vote")));
}

TEST(RingCheck, AnUnencryptedRingIsRefusedUnlessAllowed) {
  RingSettings none = good_ring();
  none.cipher = "none";
  RingSettings udpu = good_ring();
  udpu.transport = "udpu";  // does not encrypt, whatever the cipher says
  Config config = good_config();
  EXPECT_THAT(check_ring(none, config).errors, ElementsAre(HasSubstr("not encrypted")));
  EXPECT_THAT(check_ring(udpu, config).errors, ElementsAre(HasSubstr("not encrypted")));
  config.allow_unencrypted_ring = true;
  EXPECT_THAT(check_ring(none, config).errors, IsEmpty());
  EXPECT_THAT(check_ring(none, config).warnings, ElementsAre(HasSubstr("not encrypted")));
}

TEST(RingCheck, AnotherIdentityOrNodelistOrNoQuorumIsRefused) {
  RingSettings ring = good_ring();
  ring.local = NodeId{2};
  ring.nodes.push_back(NodeId{3});
  ring.votequorum = false;
  EXPECT_THAT(
      check_ring(ring, good_config()).errors,
      ElementsAre("node.id is 1, but corosync calls this node 2",
                  "[[member]] lists the nodes 1, 2, corosync's nodelist 1, 2, 3; they must be the same",
                  HasSubstr("corosync_votequorum")));
}

TEST(RingCheck, AnotherClusterNameIsToldOf) {
  RingSettings ring = good_ring();
  ring.cluster_name = "head";
  EXPECT_THAT(check_ring(ring, good_config()).warnings, ElementsAre(HasSubstr("is this the right ring?")));
}

TEST(RingCheck, CorosyncsSlowDefaultsAreToldOf) {
  RingSettings ring = good_ring();
  ring.times = {1000ms, 238ms, 1200ms};
  Config config = good_config();
  config.lease_size = 1 << 20;
  config.commit_wait = 6000ms;
  config.evict_after = 2500ms;
  EXPECT_THAT(check_ring(ring, config).warnings, ElementsAre(HasSubstr("about 2200 ms")));
  EXPECT_THAT(check_ring(ring, config).errors, IsEmpty());
}

TEST(RingCheck, FalseRelationsAreRefusedAllAtOnceWithTheirPlace) {
  RingSettings ring = good_ring();
  ring.times = {1000ms, 238ms, 1200ms};
  Config config = good_config();
  config.places["lease.size"] = "hasyncd.toml:12";
  EXPECT_THAT(
      check_ring(ring, config).errors,
      ElementsAre(testing::StartsWith("hasyncd.toml:12: lease.size: 65536 numbers must be at least 100000"),
                  testing::StartsWith("not in the configuration file, so by default: output_commit.wait_ms: "
                                      "2000 ms must be at least 2500 ms")));
}

}  // namespace
}  // namespace hasync::hasyncd
