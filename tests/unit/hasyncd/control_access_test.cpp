#include "hasyncd/control_access.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

constexpr ControlGroups kBoth{.admin = 10, .read = 20};

TEST(ControlAccess, RootAndTheGroupsGetTheirs) {
  EXPECT_EQ(access_of({0, {0}}, {}), Access::Admin);
  EXPECT_EQ(access_of({7, {7, 10}}, kBoth), Access::Admin);
  EXPECT_EQ(access_of({7, {20, 7}}, kBoth), Access::Read);
  EXPECT_EQ(access_of({7, {20, 10}}, kBoth), Access::Admin);
}

TEST(ControlAccess, EverybodyElseGetsNothing) {
  EXPECT_EQ(access_of({7, {7, 11}}, kBoth), Access::None);
  EXPECT_EQ(access_of({7, {}}, kBoth), Access::None);
  EXPECT_EQ(access_of({7, {0, 7}}, kBoth), Access::None);  // root's group is not root
  EXPECT_EQ(access_of({7, {0, 7}}, {}), Access::None);     // a group that is not configured is not group 0
  EXPECT_EQ(access_of({10, {7}}, kBoth), Access::None);    // a user's number is no group's
}

TEST(ControlAccess, WhatIsNotKnownToOnlyLookIsForAdmins) {
  for (const char* command : {"status", "nodes", "tunnels", "show", "keys", "check", "events"}) {
    EXPECT_EQ(needed_for(command), Access::Read) << command;
  }
  for (const char* command :
       {"migrate", "failover", "takeover", "reload-keys", "get", "put", "", "Status", "status "}) {
    EXPECT_EQ(needed_for(command), Access::Admin) << command;
  }
}

}  // namespace
}  // namespace hasync::hasyncd
