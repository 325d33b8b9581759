// What can be seen on this machine, whether hasyncd runs or not.
#include <algorithm>

#include "haipsec/check/findings.h"

namespace hasync::haipsec {
namespace {

constexpr std::int64_t kRecent = 3600;  // seconds: what Corosync missed before may have been put right
constexpr std::uint32_t kRoot = 0;
constexpr std::int64_t kSoon = 14 * 86400;

bool is_gateway(const MachineFacts& machine) {
  return machine.config.config && machine.config.config->role == hasyncd::Config::Role::Gateway;
}

void check_configuration(const MachineFacts& machine, Report& report) {
  for (const std::string& error : machine.config.errors) {
    report.error("configuration", error, "correct the file; hasyncd --check reads it without a start");
  }
  for (const std::string& warning : machine.config.warnings) {
    report.warning("majority", warning,
                   "add a witness: a small third machine with hasyncd and corosync alone");
  }
  if (!machine.config.config) return;
  report.ok("configuration", "is whole");
  report.ok("majority", std::to_string(machine.config.config->members.size()) + " members, an odd number");
}

void check_key(const MachineFacts& machine, Report& report) {
  if (!machine.config.config) return;
  const std::string file = machine.config.config->key_file.string();
  if (machine.key) return report.ok("key-file", file + " belongs to root alone");
  const bool exposed = machine.key.error().code == Errc::Denied;
  report.error("key-file", machine.key.error().what,
               exposed ? "chown root " + file + " && chmod 600 " + file +
                             "; if somebody else may have read it, haipsec key rotate"
                       : "copy it from another node, or make one with haipsec keygen");
}

void check_sockets(const MachineFacts& machine, Report& report) {
  if (!machine.config.config) return;
  const auto judge = [&](const std::optional<hasyncd::SocketFact>& socket, std::uint32_t mode,
                         const char* daemon) {
    const std::string fault = socket ? hasyncd::fault_of(*socket, mode, kRoot) : "";
    if (fault.empty()) return;
    report.error("sockets", fault,
                 "find out who changed it; " + std::string(daemon) + " makes it anew when it is restarted");
  };
  judge(machine.control, hasyncd::control_mode(*machine.config.config), "hasyncd");
  judge(machine.charon_socket, hasyncd::kCharonMode, "charon");
  report.ok("sockets", "are open to those alone who may use them");
}

void add(const hasyncd::RingCheck& judged, const std::string& id, const std::string& remedy, Report& report) {
  for (const std::string& error : judged.errors) report.error(id, error, remedy);
  for (const std::string& warning : judged.warnings) report.warning(id, warning, remedy);
}

void check_ring(const MachineFacts& machine, Report& report) {
  if (!machine.ring) {
    report.error("ring", "corosync does not answer: " + machine.ring.error().what,
                 "systemctl start corosync; why it ended stands in journalctl -u corosync");
    return;
  }
  if (!machine.config.config) return;
  const hasyncd::Config& config = *machine.config.config;
  add(hasyncd::check_ring_itself(*machine.ring, config), "ring",
      "change what the text names, the same on all nodes, and restart corosync and hasyncd", report);
  add(hasyncd::check_times(*machine.ring, config), "relations",
      "change one of the two settings, the same on all nodes, and restart what reads it (hasyncd or "
      "corosync); "
      "which times fit each other stands in /usr/share/doc/hasyncd/timing.md",
      report);
  report.ok("ring", "of " + std::to_string(machine.ring->nodes.size()) + " nodes, encrypted with " +
                        machine.ring->cipher + ", a lost one is noticed after " +
                        std::to_string(machine.ring->times.detection().count()) + " ms");
  report.ok("relations", "all times fit each other");
}

void check_load(const MachineFacts& machine, Report& report) {
  if (!machine.ring) return;
  double worst = 0;
  int count = 0;
  for (const MissedTurn& missed : machine.missed_turns) {
    if (missed.seconds_ago > kRecent) continue;
    worst = std::max(worst, missed.delay_ms);
    ++count;
  }
  if (count < 2)  // it misses one turn as it starts
    return report.ok("ring-timing", "corosync got the processor in time, for the last hour");
  report.warning(
      "ring-timing",
      "corosync did not get the processor in time, " + std::to_string(count) +
          " times in the last hour, once for " + std::to_string(static_cast<long>(worst)) +
          " ms; its token is " + std::to_string(machine.ring->times.token.count()) + " ms",
      "give this machine less to do, let corosync run with real-time priority (system.sched_rr), or raise "
      "totem.token");
}

void check_charon(const MachineFacts& machine, const std::string& version, Report& report) {
  if (!is_gateway(machine)) return;
  if (machine.charon) {
    const ctx::CharonSetup& setup = *machine.charon;
    report.ok("charon", "strongSwan " + setup.charon_version + " with the plugin, " +
                            std::to_string(setup.connections.size() + setup.left_out) + " connections");
    if (setup.plugin_version == version) return report.ok("plugin-version", setup.plugin_version);
    return report.error("plugin-version", "the plugin is " + setup.plugin_version + ", haipsec " + version,
                        "install both packages of one version, and restart strongswan");
  }
  if (machine.charon_runs) {
    return report.error(
        "charon", "charon runs, but without the hasync plugin: hasyncd lets no ESP of its tunnels leave",
        "look for \"hasync\" in charon's log: the plugin is made for one version of strongSwan, and "
        "refuses others");
  }
  report.error("charon", "charon does not run: " + machine.charon.error().what, "systemctl start strongswan");
}

void check_family(const FamilyFact& family, bool v4, Report& report) {
  const std::string name = v4 ? "IPv4" : "IPv6";
  const std::string forwarding = v4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
  if (!family.esp)
    report.error("kernel", "the kernel has no ESP over " + name,
                 std::string("load the module ") + (v4 ? "esp4" : "esp6") + ", or another kernel");
  if (!family.forwards)
    report.error("kernel", name + " packets are not forwarded",
                 "sysctl -w " + forwarding + "=1, and in /etc/sysctl.d");
}

void check_kernel(const MachineFacts& machine, Report& report) {
  if (!is_gateway(machine)) return;
  if (!machine.kernel_xfrm)
    report.error("kernel", machine.kernel_xfrm.error().what, "load the module xfrm_user, or another kernel");
  for (const bool v4 : families_of(machine.config.config->vips))
    check_family(v4 ? machine.v4 : machine.v6, v4, report);
  report.ok("kernel", "has what tunnels need, as far as it tells, and forwards packets");
}

void check_disks(const MachineFacts& machine, Report& report) {
  for (const hasyncd::Disk& disk : machine.disks) {
    const std::string left = disk.path + " has " + std::to_string(disk.free >> 20U) + " MiB left";
    const char* remedy =
        "make room: without it nothing is logged, and a promise that cannot be written ends hasyncd";
    if (!disk.problem.empty()) {
      report.error("disk", disk.path + ": " + disk.problem, "make the folder, for root alone");
    } else if (disk.free == 0) {
      report.error("disk", disk.path + " is full", remedy);
    } else if (disk.free < hasyncd::kLittleRoom) {
      report.warning("disk", left, remedy);
    }
  }
  if (!machine.disks.empty()) report.ok("disk", "there is room for logs and state");
}

void check_certificates(const MachineFacts& machine, Report& report) {
  for (const Certificate& certificate : machine.certificates) {
    const char* remedy = "copy it from the other gateway, then swanctl --load-all";
    if (!certificate.problem.empty()) {
      report.error("certificates", certificate.file + ": " + certificate.problem, remedy);
    } else if (certificate.seconds_left <= 0) {
      report.error("certificates", certificate.file + " is no longer valid", "renew it on all gateways");
    } else if (certificate.seconds_left < kSoon) {
      report.warning("certificates",
                     certificate.file + " is valid for " + std::to_string(certificate.seconds_left / 86400) +
                         " more days",
                     "renew it on all gateways");
    }
  }
  if (!machine.certificates.empty())
    report.ok("certificates", std::to_string(machine.certificates.size()) + " files can be read");
}

}  // namespace

void check_machine(const MachineFacts& machine, const std::string& version, Report& report) {
  if (!machine.root) {
    return report.warning("access",
                          "what only root can see was not looked at: configuration, keys, ring, charon",
                          "run it as root");
  }
  check_configuration(machine, report);
  check_key(machine, report);
  check_sockets(machine, report);
  check_ring(machine, report);
  check_load(machine, report);
  check_charon(machine, version, report);
  check_kernel(machine, report);
  check_disks(machine, report);
  check_certificates(machine, report);
}

}  // namespace hasync::haipsec
