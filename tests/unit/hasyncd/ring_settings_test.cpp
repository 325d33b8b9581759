#include "hasyncd/ring_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RingSettings good_ring() {
  return {NodeId{1}, {NodeId{1}, NodeId{2}}, "branch", "knet", "aes256", true, 112ms, 135ms};
}

Config good_config() {
  Config config;
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
  ring.token = 1000ms;
  ring.consensus = 1200ms;
  EXPECT_THAT(check_ring(ring, good_config()).warnings, ElementsAre(HasSubstr("about 2200 ms")));
}

}  // namespace
}  // namespace hasync::hasyncd
