// Every finding, both ways: where all is well it says so, and each fault alone is found, by its id.
#include "haipsec/check/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

namespace hasync::haipsec {
namespace {

using testing::HasSubstr;

ctx::CharonSetup charon(std::uint32_t first_spi) {
  return {"0.1.0", "5.9.8", first_spi, first_spi + 0xffffff, {{"branch", {"net", "voice"}, "%any"}}, 0};
}

MemberFact member(const std::string& name, const std::string& role) {
  return {
      .name = name, .role = role, .in_ring = true, .in_epoch = true, .answered = true, .version = "0.1.0"};
}

hasyncd::Config config() {
  hasyncd::Config out;
  out.node = NodeId{1};
  out.cluster_name = "branch";
  out.key_file = "/etc/hasyncd/key";
  for (std::uint32_t id = 1; id <= 3; ++id)
    out.members.push_back({NodeId{id}, "n", Address::v4(10, 77, 0, static_cast<std::uint8_t>(id))});
  out.heartbeat_interval = std::chrono::milliseconds{20};
  out.fence = std::chrono::milliseconds{80};
  out.evict_after = std::chrono::milliseconds{150};
  out.drift_ppm = 1000;
  out.lease_size = 65536;
  out.lease_peak = 20000;
  out.commit_wait = std::chrono::milliseconds{2000};
  clusterip::Vip& vip = out.vips.emplace_back();
  vip.address = Address::v4(192, 0, 2, 100);
  vip.interface = "wan0";
  out.interfaces = {"wan0"};
  return out;
}

const clusterip::Vip kIpv6{"wan0", *Address::parse("2001:db8::100"), 64};

void only_ipv6(Facts& facts) {
  facts.machine.config.config->vips = {kIpv6};
}

MachineFacts machine() {
  MachineFacts out{.root = true};
  out.config.config = config();
  out.control = hasyncd::SocketFact{"/run/hasyncd/control.sock", 0600};
  out.charon_socket = hasyncd::SocketFact{"/run/charon.hasync", 0600};
  using std::chrono::milliseconds;
  hasyncd::RingSettings ring{.local = NodeId{1}, .nodes = {NodeId{1}, NodeId{2}, NodeId{3}}};
  ring.cluster_name = "branch";
  ring.transport = "knet";
  ring.cipher = "aes256";
  ring.votequorum = true;
  ring.times = {milliseconds{65}, milliseconds{31}, milliseconds{78}};
  out.ring = ring;
  out.missed_turns = {{30, 235}, {7200, 500}};  // as it started, and long ago
  out.charon_runs = true;
  out.charon = charon(0xc1000000);
  out.routes = {{Address::v4(0, 0, 0, 0), 96, "wan0"}, {Address::v4(10, 77, 0, 0), 96 + 24, "ring0"}};
  out.disks = {{"/var/log", 1U << 30U, ""}};
  out.certificates = {{"/etc/swanctl/x509/gw.pem", "", 90 * 86400}};
  return out;
}

Facts well() {
  Facts out{.version = "0.1.0", .machine = machine()};
  ClusterFacts cluster{.version = "0.1.0", .gateway = true, .ring_connected = true, .quorate = true};
  cluster.state = "owner";
  cluster.fence_us = 80000;
  cluster.least_margin_us = 60000;
  cluster.tunnels = 3;
  cluster.members = {member("gw1", "gateway"), member("gw2", "gateway"), member("witness", "witness")};
  cluster.members[0].self = cluster.members[0].owner = cluster.members[0].ready = true;
  cluster.members[0].charon = charon(0xc1000000);
  cluster.members[1].ready = true;
  cluster.members[1].charon = charon(0xc2000000);
  cluster.interfaces = {"wan0"};
  cluster.peers = {Address::v4(203, 0, 113, 7)};
  out.cluster = std::move(cluster);
  return out;
}

struct Row {
  const char* id;
  Level level;
  const char* what;  // a part of it
  std::function<void(Facts&)> damage;
};

const Row kRows[] = {
    {"access", Level::Warning, "only root", [](Facts& f) { f.machine = {}; }},
    {"configuration", Level::Error, "fence.fence_ms",
     [](Facts& f) {
       f.machine.config = {{}, {"hasyncd.toml:3: fence.fence_ms: is wrong"}, {}};
     }},
    {"majority", Level::Warning, "two members",
     [](Facts& f) { f.machine.config.warnings = {"two members: neither is a majority alone"}; }},
    {"key-file", Level::Error, "has mode 0644",
     [](Facts& f) {
       f.machine.key = Error{Errc::Denied, "key file /etc/hasyncd/key: has mode 0644"};
     }},
    {"key-file", Level::Error, "No such file",
     [](Facts& f) {
       f.machine.key = Error{Errc::System, "key file /etc/hasyncd/key: No such file"};
     }},
    {"sockets", Level::Error, "control.sock has mode 0666, not 0600",
     [](Facts& f) { f.machine.control->mode = 0666; }},
    {"sockets", Level::Error, "control.sock has mode 0600, not 0666",
     [](Facts& f) { f.machine.config.config->read_group = "ops"; }},
    {"sockets", Level::Error, "charon.hasync has mode 0666",
     [](Facts& f) { f.machine.charon_socket->mode = 0666; }},
    {"sockets", Level::Error, "control.sock belongs to user 1000, not to 0",
     [](Facts& f) { f.machine.control->owner = 1000; }},
    {"ring", Level::Error, "corosync does not answer: gone",
     [](Facts& f) {
       f.machine.ring = Error{Errc::System, "gone"};
     }},
    {"ring", Level::Error, "not encrypted", [](Facts& f) { f.machine.ring->cipher = "none"; }},
    {"ring", Level::Warning, "right ring", [](Facts& f) { f.machine.ring->cluster_name = "other"; }},
    {"ring-timing", Level::Warning, "2 times in the last hour, once for 90 ms",
     [](Facts& f) {
       f.machine.missed_turns = {{10, 70.5}, {20, 90.5}, {4000, 600}};
     }},
    {"charon", Level::Error, "without the hasync plugin: hasyncd lets no ESP of its tunnels leave",
     [](Facts& f) {
       f.machine.charon = Error{Errc::NotFound, "no socket"};
     }},
    {"charon", Level::Error, "does not run",
     [](Facts& f) {
       f.machine.charon = Error{Errc::NotFound, "no socket"};
       f.machine.charon_runs = false;
     }},
    {"plugin-version", Level::Error, "the plugin is 0.0.9",
     [](Facts& f) { f.machine.charon->plugin_version = "0.0.9"; }},
    {"kernel", Level::Error, "no XFRM",
     [](Facts& f) {
       f.machine.kernel_xfrm = Error{Errc::System, "the kernel has no XFRM"};
     }},
    {"kernel", Level::Error, "no ESP over IPv4", [](Facts& f) { f.machine.v4.esp = false; }},
    {"kernel", Level::Error, "no ESP over IPv6",
     [](Facts& f) {
       only_ipv6(f);
       f.machine.v6.esp = f.machine.v4.esp = false;
     }},
    {"kernel", Level::Error, "IPv4 packets are not forwarded",
     [](Facts& f) { f.machine.v4.forwards = false; }},
    {"kernel", Level::Error, "IPv6 packets are not forwarded",
     [](Facts& f) {
       only_ipv6(f);
       f.machine.v6.forwards = f.machine.v4.forwards = false;
     }},
    {"kernel", Level::Error, "IPv6 packets are not forwarded",
     [](Facts& f) {
       f.machine.config.config->vips.push_back(kIpv6);
       f.machine.v6.forwards = false;
     }},
    {"disk", Level::Error, "/var/log is full", [](Facts& f) { f.machine.disks[0].free = 0; }},
    {"disk", Level::Warning, "/var/log has 10 MiB left",
     [](Facts& f) { f.machine.disks[0].free = 10U << 20U; }},
    {"disk", Level::Error, "/var/log: No such file",
     [](Facts& f) { f.machine.disks[0].problem = "No such file or directory"; }},
    {"certificates", Level::Error, "gw.pem: cannot be read",
     [](Facts& f) { f.machine.certificates[0].problem = "cannot be read: Permission denied"; }},
    {"certificates", Level::Error, "no longer valid",
     [](Facts& f) { f.machine.certificates[0].seconds_left = -1; }},
    {"certificates", Level::Warning, "3 more days",
     [](Facts& f) { f.machine.certificates[0].seconds_left = 3 * 86400 + 5; }},
    {"paths", Level::Error, "eth9 leads to peers at any address",
     [](Facts& f) {
       f.cluster->peers.clear();
       f.machine.routes.push_back({Address::v4(0, 0, 0, 0), 96, "eth9"});
     }},
    {"paths", Level::Error, "eth9 leads to the peer 203.0.113.7",
     [](Facts& f) {
       f.machine.routes.push_back({Address::v4(203, 0, 113, 0), 96 + 24, "eth9"});
     }},
    {"paths", Level::Error, "eth9 leads to the peer 198.51.100.9",
     [](Facts& f) {
       f.machine.charon->connections[0].remote = "198.51.100.9, gw.example.org";
       f.machine.routes.push_back({Address::v4(198, 51, 100, 8), 96 + 30, "eth9"});
     }},
    {"hasyncd", Level::Error, "does not answer",
     [](Facts& f) {
       f.cluster = Error{Errc::NotFound, "hasyncd does not answer"};
     }},
    {"version", Level::Warning, "hasyncd is 0.1.0, haipsec 0.2.0",
     [](Facts& f) { f.version = f.machine.charon->plugin_version = "0.2.0"; }},
    {"version", Level::Warning, "gw2 runs hasyncd 0.2.0",
     [](Facts& f) { f.cluster->members[1].version = "0.2.0"; }},
    {"members", Level::Error, "witness takes no part",
     [](Facts& f) { f.cluster->members[2].in_epoch = false; }},
    {"members", Level::Warning, "gw2 did not answer",
     [](Facts& f) { f.cluster->members[1].answered = false; }},
    {"protocol", Level::Error, "gw2 speaks a newer version",
     [](Facts& f) { f.cluster->members[1].speaks_newer = true; }},
    {"strangers", Level::Warning, "10.77.0.9 is no member",
     [](Facts& f) {
       f.cluster->strangers = {{"10.77.0.9", "", 5}};
     }},
    {"strangers", Level::Error, "what gw2 sends does not open",
     [](Facts& f) {
       f.cluster->strangers = {{"10.77.0.2", "gw2", 5}};
     }},
    {"quorum", Level::Error, "no majority", [](Facts& f) { f.cluster->quorate = false; }},
    {"quorum", Level::Error, "not connected", [](Facts& f) { f.cluster->ring_connected = false; }},
    {"owner", Level::Error, "nobody owns", [](Facts& f) { f.cluster->members[0].owner = false; }},
    {"owner", Level::Error, "is lapsed", [](Facts& f) { f.cluster->state = "lapsed"; }},
    {"standby", Level::Error, "no other gateway is ready",
     [](Facts& f) { f.cluster->members[1].ready = false; }},
    {"fence", Level::Warning, "only 15 of 80 ms", [](Facts& f) { f.cluster->least_margin_us = 15000; }},
    {"relations", Level::Warning, "fence.evict_after_ms: 140 ms must be at least 143 ms",
     [](Facts& f) { f.machine.config.config->evict_after = std::chrono::milliseconds{140}; }},
    {"relations", Level::Error, "lease.size", [](Facts& f) { f.machine.config.config->lease_size = 4096; }},
    {"gate", Level::Error, "wan0: gone", [](Facts& f) { f.cluster->gate_problem = "wan0: gone"; }},
    {"gate", Level::Error,
     "stays closed for 2 outbound SAs whose packets could go past it: 192.0.2.9 0xabc: why",
     [](Facts& f) {
       f.cluster->bypassed = 2;
       f.cluster->first_bypassed = "192.0.2.9 0xabc: why";
     }},
    {"tunnels", Level::Warning, "1 of 3", [](Facts& f) { f.cluster->unprotected = 1; }},
    {"refused", Level::Error, "gw2's charon refuses 2 of 3 contexts",
     [](Facts& f) { f.cluster->members[1].refused = 2; }},
    {"connections", Level::Error, "of what gw1 has, gw2 lacks connection \"branch\"",
     [](Facts& f) { f.cluster->members[1].charon->connections.clear(); }},
    {"connections", Level::Error, "of what gw2 has, gw1 lacks child \"voice\" of \"branch\"",
     [](Facts& f) { f.cluster->members[0].charon->connections[0].children = {"net"}; }},
    {"connections", Level::Error, "\"c1\", connection \"c2\", connection \"c3\" and 1 more",
     [](Facts& f) {
       for (const char* name : {"c1", "c2", "c3", "c4"})
         f.cluster->members[0].charon->connections.push_back({name, {}, ""});
     }},
    {"connections", Level::Warning, "7 were left out",
     [](Facts& f) { f.cluster->members[0].charon->left_out = 7; }},
    {"spi-ranges", Level::Error, "gw1 and gw2 choose SPIs from one range",
     [](Facts& f) { f.cluster->members[1].charon->spi_min = 0xc1ffffff; }},
    {"clocks", Level::Warning, "the clock of gw2 is 5 s behind",
     [](Facts& f) { f.cluster->members[1].clock_ahead_ms = -5000; }},
    {"clock-steps", Level::Warning, "2 times", [](Facts& f) { f.cluster->clock_steps = 2; }},
};

std::vector<Finding> faults(const Facts& facts) {
  std::vector<Finding> out = findings(facts);
  std::erase_if(out, [](const Finding& finding) { return finding.level == Level::Ok; });
  return out;
}

TEST(Findings, WhereAllIsWellEachThingIsToldOfOnce) {
  std::set<std::string> ids;
  for (const Finding& finding : findings(well())) {
    EXPECT_EQ(finding.level, Level::Ok) << finding.id << ": " << finding.what;
    EXPECT_EQ(finding.remedy, "");
    EXPECT_TRUE(ids.insert(finding.id).second) << finding.id;
  }
  EXPECT_EQ(worst_of(findings(well())), Level::Ok);
  for (const Row& row : kRows) ids.erase(row.id);
  EXPECT_TRUE(ids.empty()) << *ids.begin() << " has no row below";
}

TEST(Findings, EachFaultAloneIsFoundAndNothingElse) {
  for (const Row& row : kRows) {
    Facts facts = well();
    row.damage(facts);
    const std::vector<Finding> found = faults(facts);
    ASSERT_FALSE(found.empty()) << row.id << ": " << row.what;
    EXPECT_EQ(found.size(), 1U) << row.what << ", but also: " << found.back().what;
    EXPECT_EQ(found[0].id, row.id);
    EXPECT_EQ(found[0].level, row.level) << found[0].what;
    EXPECT_THAT(found[0].what, HasSubstr(row.what));
    EXPECT_NE(found[0].remedy, "") << row.what;
    // A page stands behind what is to be done, and where it is installed.
    const std::size_t page = found[0].remedy.find(".md");
    EXPECT_TRUE(page == std::string::npos ||
                found[0].remedy.find("; ") < found[0].remedy.find("/usr/share/doc/hasyncd/"))
        << found[0].remedy;
  }
}

TEST(Findings, AWitnessNeedsNoCharonAndNoForwarding) {
  Facts facts = well();
  facts.machine.config.config->role = hasyncd::Config::Role::Witness;
  facts.machine.charon = Error{Errc::NotFound, "none"};
  facts.machine.charon_runs = facts.machine.v4.forwards = false;
  facts.cluster->gateway = false;
  EXPECT_EQ(faults(facts), std::vector<Finding>{});
}

TEST(Findings, AFamilyWithoutASharedAddressIsNotAskedFor) {
  Facts facts = well();
  facts.machine.v6 = {.esp = false, .forwards = false};
  EXPECT_EQ(faults(facts), std::vector<Finding>{});
}

// gw1 of two gateways without a witness; the other one is gone, so Corosync is not quorate.
ClusterFacts alone(bool owns) {
  ClusterFacts out = *well().cluster;
  out.members.pop_back();
  out.members[1].in_ring = out.members[1].ready = out.quorate = false;
  out.members[0].owner = owns;
  out.state = owns ? "owner" : "standby";
  return out;
}

const Finding* quorum_of(const std::vector<Finding>& all) {
  const auto found = std::ranges::find(all, "quorum", &Finding::id);
  return found == all.end() ? nullptr : &*found;
}

TEST(Findings, OfTwoGatewaysTheOwnerNeedsNobody) {
  Facts facts = well();
  facts.cluster = alone(true);
  const auto all = findings(facts);
  ASSERT_NE(quorum_of(all), nullptr);
  EXPECT_EQ(quorum_of(all)->level, Level::Ok) << quorum_of(all)->what;
}

TEST(Findings, OfTwoGatewaysTheOtherPassesNothingAlone) {
  Facts facts = well();
  facts.cluster = alone(false);
  const auto all = findings(facts);
  ASSERT_NE(quorum_of(all), nullptr);
  EXPECT_EQ(quorum_of(all)->level, Level::Error);
  EXPECT_THAT(quorum_of(all)->what, HasSubstr("passes nothing"));
  EXPECT_THAT(quorum_of(all)->remedy, HasSubstr("takeover --other-is-off"));
}

TEST(Findings, TwoGatewaysInOneRingAreNotAskedForCorosyncsQuorum) {
  Facts facts = well();
  facts.cluster->members.pop_back();
  facts.cluster->quorate = false;
  EXPECT_EQ(faults(facts), std::vector<Finding>{});
}

TEST(Findings, WhatIsLeftOutOfAListIsNotTakenForMissing) {
  Facts facts = well();
  facts.cluster->members[1].charon->connections.clear();
  facts.cluster->members[1].charon->left_out = 1;
  EXPECT_EQ(worst_of(findings(facts)), Level::Warning);
}

TEST(Findings, AClockIsNotBlamedForWhatTheQuestionTook) {
  Facts facts = well();
  facts.cluster->members[1].clock_ahead_ms = 2500;
  facts.cluster->members[1].clock_uncertain_ms = 600;
  EXPECT_EQ(worst_of(findings(facts)), Level::Ok);
}

}  // namespace
}  // namespace hasync::haipsec
