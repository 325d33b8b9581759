// Each trouble is told once, and once more when it has ended.
#include "hasyncd/surroundings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace hasync::hasyncd {
namespace {

using Change = Surroundings::Change;
using Seen = Surroundings::Seen;
using testing::ElementsAre;
using testing::IsEmpty;

Config config() {
  Config out;
  out.control_socket = "/run/control";
  return out;
}

Seen well() {
  return {.control = SocketFact{"/run/control", 0600, 0},
          .charon = SocketFact{"/run/charon", 0600, 0},
          .disks = {{"/var/log", kLittleRoom, ""}}};
}

TEST(Surroundings, WhereAllIsWellNothingIsTold) {
  Surroundings looks;
  EXPECT_THAT(looks.changes(well(), config()), IsEmpty());
  Seen idle = well();
  idle.charon.reset();
  EXPECT_THAT(looks.changes(idle, config()), IsEmpty()) << "whether charon runs is told elsewhere";
}

TEST(Surroundings, EachTroubleIsToldOnceAndThatItHasEnded) {
  struct Row {
    Change told;
    std::function<void(Seen&)> damage;
  };
  const Row rows[] = {
      {{"key-file-refused", "key file k: has mode 0644"},
       [](Seen& s) {
         s.key = Error{Errc::Denied, "key file k: has mode 0644"};
       }},
      {{"socket-changed", "/run/control is gone"}, [](Seen& s) { s.control.reset(); }},
      {{"socket-changed", "/run/control has mode 0666, not 0600"}, [](Seen& s) { s.control->mode = 0666; }},
      {{"socket-changed", "/run/charon has mode 0644, not 0600"}, [](Seen& s) { s.charon->mode = 0644; }},
      {{"socket-changed", "/run/charon belongs to user 7, not to 0"}, [](Seen& s) { s.charon->owner = 7; }},
      {{"disk-low", "/var/log has less than 64 MiB left"}, [](Seen& s) { --s.disks[0].free; }},
      {{"disk-low", "/var/log is full"}, [](Seen& s) { s.disks[0].free = 0; }},
      {{"disk-low", "/var/log: gone"}, [](Seen& s) { s.disks[0].problem = "gone"; }},
  };
  Surroundings looks;
  for (const Row& row : rows) {
    Seen seen = well();
    row.damage(seen);
    EXPECT_THAT(looks.changes(seen, config()), ElementsAre(row.told));
    EXPECT_THAT(looks.changes(seen, config()), IsEmpty()) << row.told.text;
    EXPECT_THAT(looks.changes(well(), config()), ElementsAre(Change{"put-right", row.told.text}));
  }
}

TEST(Surroundings, OneTroubleDoesNotHideAnother) {
  Surroundings looks;
  Seen seen = well();
  seen.control->mode = 0666;
  looks.changes(seen, config());
  seen.disks[0].free = 0;
  EXPECT_THAT(looks.changes(seen, config()), ElementsAre(Change{"disk-low", "/var/log is full"}));
}

TEST(Surroundings, TheControlSocketIsOpenToAllWhereAGroupMayUseIt) {
  Config open = config();
  open.read_group = "ops";
  Seen seen = well();
  seen.control->mode = 0666;
  EXPECT_THAT(Surroundings().changes(seen, open), IsEmpty());
}

TEST(Surroundings, FileSystemsOfAnotherMachineAreKnown) {
  const std::string mounts =
      "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
      "22 21 0:40 / /var/log rw master:2 propagate_from:3 - nfs4 server:/log rw\n"
      "23 22 8:2 / /var/log/local rw - xfs /dev/sda2 rw\n"
      "24 21 0:41 / /mnt rw - fuse.sshfs host: rw\n"
      "nonsense\n";
  EXPECT_FALSE(is_remote(mounts, "/var/lib/hasyncd"));
  EXPECT_FALSE(is_remote(mounts, "/var/logs"));
  EXPECT_TRUE(is_remote(mounts, "/var/log"));
  EXPECT_TRUE(is_remote(mounts, "/var/log/hasyncd"));
  EXPECT_FALSE(is_remote(mounts, "/var/log/local"));
  EXPECT_TRUE(is_remote(mounts, "/mnt/state"));
  EXPECT_FALSE(is_remote("", "/var/log"));
}

}  // namespace
}  // namespace hasync::hasyncd
