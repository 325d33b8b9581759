#include "hasyncd/config_change.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "hasyncd/config_keys.h"

namespace hasync::hasyncd {
namespace {

using Names = std::vector<std::string>;

Config config(const std::string& more = "", const std::string& vip = "192.0.2.100/24") {
  const ConfigOutcome read = parse_config(
      "[node]\nid = 1\n[cluster]\nname = \"branch\"\n"
      "[[member]]\nid = 1\nname = \"gw1\"\naddress = \"10.77.0.1\"\n"
      "[[member]]\nid = 2\nname = \"gw2\"\naddress = \"10.77.0.2\"\n"
      "[[vip]]\naddress = \"" +
          vip + "\"\ninterface = \"wan0\"\n" + more,
      "test");
  EXPECT_TRUE(read.config) << (read.errors.empty() ? "" : read.errors.front());
  return read.config.value_or(Config{});
}

TEST(ConfigChange, NothingHasChangedWhereOnlyTheTextHas) {
  EXPECT_EQ(change_of(config(), config()), ConfigChange{});
  EXPECT_EQ(change_of(config(), config("[log]\nlevel = \"info\"  # the default\n")), ConfigChange{});
}

TEST(ConfigChange, LiveKeysAndOthersAreToldApart) {
  const Config wanted = config(
      "[log]\nlevel = \"debug\"\n[fence]\nfence_ms = 90\n[clusterip]\ninterfaces = "
      "[\"wan0\", \"wan1\"]\n",
      "192.0.2.101/24");
  EXPECT_EQ(change_of(config(), wanted),
            (ConfigChange{{"log.level"}, {"clusterip.interface", "fence.fence_ms", "vip"}}));
  EXPECT_EQ(change_of(wanted, config()),
            (ConfigChange{{"log.level"}, {"clusterip.interface", "fence.fence_ms", "vip"}}));
  EXPECT_EQ(
      change_of(config(), config("[lease]\npeak = 7\n[control]\nadmin_group = \"a\"\nread_group = \"b\"\n")),
      (ConfigChange{{"control.admin_group", "control.read_group", "lease.peak"}, {}}));
  EXPECT_EQ(change_of(config(), config("[metrics]\nlisten = \"127.0.0.1:9420\"\n")),
            (ConfigChange{{}, {"metrics.listen"}}));
}

TEST(ConfigChange, EveryLiveKeyIsOneOfTheTable) {
  for (const std::string name : live_keys()) {
    EXPECT_TRUE(std::ranges::any_of(config_keys(), [&](const KeyDefinition& key) {
      return std::string(key.table) + "." + key.name == name;
    })) << name;
  }
}

}  // namespace
}  // namespace hasync::hasyncd
