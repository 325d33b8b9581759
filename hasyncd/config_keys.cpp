#include "hasyncd/config_keys.h"

#include <algorithm>
#include <utility>

#include "hasyncd/config_change.h"

namespace hasync::hasyncd {
namespace {

constexpr TableDefinition kTables[] = {
    {"node", false, "This node. The only table that differs between the nodes of a cluster."},
    {"cluster", false, "What all nodes share."},
    {"member", true,
     "One per node, this one included; at most 16. Gateways and witnesses count alike for majorities."},
    {"heartbeat", false, "Small sealed UDP datagrams between all members."},
    {"fence", false, "The permission to pass packets, which the kernel ends by itself."},
    {"lease", false, "Sequence numbers that an owner may use before it asks for more."},
    {"rekey", false, "Rekeys that this cluster asks for."},
    {"vip", true, "The addresses that peers and hosts behind the gateways use; the owner holds them all."},
    {"clusterip", false, "Where packets are checked."},
    {"charon", false, "The IKE daemon."},
    {"output_commit", false, "IKE messages leave when the change that they tell of is stable."},
    {"control", false, "The socket that `haipsec` uses."},
    {"metrics", false, "Figures for Prometheus (docs/metrics.md)."},
    {"log", false, "What is written to the journal."},
};

using K = KeyKind;

constexpr KeyDefinition kKeys[] = {
    {"node", "id", K::Integer, nullptr, 1, 0xffffffff, nullptr, "", "nodeid of this node in corosync.conf"},
    {"node", "role", K::Text, "gateway", 0, 0, "gateway|witness", "",
     "a witness votes and remembers; it holds no address, runs no charon and cannot read contexts"},
    {"cluster", "name", K::Text, nullptr, 0, 0, nullptr, "", "name of the cluster, as in corosync.conf"},
    {"cluster", "key_file", K::Path, "/etc/hasyncd/key", 0, 0, nullptr, "",
     "made by `haipsec keygen`; mode 0600"},
    {"cluster", "allow_unencrypted_ring", K::Boolean, "false", 0, 0, nullptr, "",
     "run although Corosync does not encrypt its ring; contexts are sealed in any case"},
    {"cluster", "two_node", K::Text, "safe", 0, 0, "safe|available", "",
     "of two gateways without a witness: safe takes nothing over from a node that is silent; available does, "
     "without its tunnels, and both are active where only the network between them is cut"},
    {"cluster", "two_node_silence_ms", K::Integer, "5000", 500, 600000, nullptr, "ms",
     "available: how long the other must have been silent"},
    {"cluster", "state_dir", K::Path, "/var/lib/hasyncd", 0, 0, nullptr, "", "what must survive a restart"},
    {"member", "id", K::Integer, nullptr, 1, 0xffffffff, nullptr, "", "nodeid in corosync.conf"},
    {"member", "name", K::Text, nullptr, 0, 0, nullptr, "", "how `haipsec` calls it"},
    {"member", "address", K::Text, nullptr, 0, 0, nullptr, "",
     "IP address that sends and receives heartbeats"},
    {"heartbeat", "port", K::Integer, "5420", 1, 65535, nullptr, "", "UDP port, the same on all members"},
    {"heartbeat", "interval_ms", K::Integer, "20", 1, 1000, nullptr, "ms", "between two heartbeats"},
    {"heartbeat", "realtime", K::Boolean, "true", 0, 0, nullptr, "",
     "run with real-time priority, just below Corosync's, so that a busy machine delays no heartbeat"},
    {"fence", "fence_ms", K::Integer, "80", 10, 10000, nullptr, "ms",
     "an owner passes packets this long after the heartbeat that a majority acknowledged last"},
    {"fence", "evict_after_ms", K::Integer, "150", 20, 60000, nullptr, "ms",
     "a member without a heartbeat for this long is left out of the next epoch"},
    {"fence", "drift_ppm", K::Integer, "1000", 0, 100000, nullptr, "ppm",
     "how far the clocks of two nodes may run apart"},
    {"lease", "size", K::Integer, "65536", 4096, 1 << 30, nullptr, "numbers",
     "per outbound SA; a faster SA gets larger ones by itself"},
    {"lease", "peak", K::Integer, "20000", 1, 100000000, nullptr, "packets/s",
     "what one SA may reach from its first packet on: half of `size` must last at this rate while the log "
     "stands still"},
    {"rekey", "after_takeover_s", K::Integer, "0", 0, 86400, nullptr, "s",
     "rekey every CHILD_SA that was taken over and could be sent old packets, evenly over this time; 0: "
     "none"},
    {"vip", "address", K::Text, nullptr, 0, 0, nullptr, "",
     "address with prefix length, as \"192.0.2.100/24\" or \"2001:db8::100/64\""},
    {"vip", "interface", K::Text, nullptr, 0, 0, nullptr, "", "interface that gets it"},
    {"clusterip", "interfaces", K::TextList, "", 0, 0, nullptr, "",
     "every interface that can reach a peer or a host behind; default: those of the vips"},
    {"charon", "socket", K::Path, "/run/charon.hasync", 0, 0, nullptr, "", "socket of the hasync plugin"},
    {"output_commit", "mode", K::Text, "strict", 0, 0, "strict|available", "",
     "a message that has waited too long: strict drops it, and the peer asks again; available sends it, and "
     "what it told the peer may be lost with this node"},
    {"output_commit", "wait_ms", K::Integer, "2000", 100, 60000, nullptr, "ms",
     "how long a message waits at most; longer than a change of the membership takes"},
    {"control", "socket", K::Path, "/run/hasyncd/control.sock", 0, 0, nullptr, "",
     "for root alone, and for the groups below"},
    {"control", "admin_group", K::Text, "", 0, 0, nullptr, "", "its members may do everything that root may"},
    {"control", "read_group", K::Text, "", 0, 0, nullptr, "", "its members may look, and change nothing"},
    {"metrics", "listen", K::Text, "", 0, 0, nullptr, "",
     "address and port, as \"127.0.0.1:9420\" or \"[2001:db8::1]:9420\", where HTTP serves them to whoever "
     "can reach it; without it nothing is served"},
    {"log", "level", K::Text, "info", 0, 0, "debug|info|warning|error", "", "least severity that is logged"},
};

std::string code(const std::string& text) {
  return "`" + text + "`";
}

std::string absent_text(const KeyDefinition& key) {
  if (key.absent == nullptr) return "required";
  return *key.absent == '\0' ? "" : code(key.absent);
}

}  // namespace

std::span<const TableDefinition> config_tables() {
  return kTables;
}
std::span<const KeyDefinition> config_keys() {
  return kKeys;
}

std::vector<const KeyDefinition*> keys_of(const std::string& table) {
  std::vector<const KeyDefinition*> out;
  for (const KeyDefinition& key : kKeys) {
    if (table == key.table) out.push_back(&key);
  }
  return out;
}

std::string range_text(const KeyDefinition& key) {
  const std::string unit = *key.unit == '\0' ? "" : std::string(" ") + key.unit;
  switch (key.kind) {
    case K::Integer:
      return std::to_string(key.min) + " to " + std::to_string(key.max) + unit;
    case K::Boolean:
      return "true or false";
    case K::Path:
      return "an absolute path";
    case K::TextList:
      return "a list of texts, as [\"a\", \"b\"]";
    case K::Text:
      break;
  }
  if (key.allowed == nullptr) return "a text";
  std::string out = key.allowed;
  for (std::size_t at = out.find('|'); at != std::string::npos; at = out.find('|')) out.replace(at, 1, ", ");
  return out;
}

std::uint32_t ConfigRow::line_of(const std::string& key) const {
  const auto found = lines.find(key);
  return found == lines.end() ? line : found->second;
}

std::string config_reference() {
  std::string out =
      "# Configuration of hasyncd\n\nGenerated from `hasyncd/config_keys.cpp`; do not edit. The file is "
      "TOML, "
      "`/etc/hasyncd/hasyncd.toml` unless told otherwise. Unknown keys are errors.\n";
  out +=
      "\n`haipsec reload`, or SIGHUP, has hasyncd read it again: the whole new configuration is in effect "
      "then, or nothing is changed.\nThese can change so:";
  for (const char* key : live_keys()) out += " " + code(key);
  out += ". All others need a restart, and are named.\n";
  for (const TableDefinition& table : kTables) {
    const std::string name =
        table.repeated ? "[[" + std::string(table.name) + "]]" : "[" + std::string(table.name) + "]";
    out += "\n## " + code(name) + "\n" + table.help +
           "\n\n| key | allowed | default | meaning |\n|---|---|---|---|\n";
    for (const KeyDefinition* key : keys_of(table.name)) {
      out += "| " + code(key->name) + " | " + range_text(*key) + " | " + absent_text(*key) + " | " +
             key->help + " |\n";
    }
  }
  return out;
}

namespace {

// As troff takes it: no character of a text is one of its own; what the reference writes as code is bold.
std::string troff(const std::string& text) {
  std::string out;
  bool bold = false;
  for (const char c : text) {
    if (c == '`') {
      out += std::exchange(bold, !bold) ? "\\fR" : "\\fB";
    } else if (c == '-' || c == '\\') {
      out += c == '-' ? "\\-" : "\\e";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string config_manual() {
  std::string out =
      ".\\\" Generated from hasyncd/config_keys.cpp; do not edit.\n"
      ".TH HASYNCD.TOML 5 \"\" \"hasyncd\" \"File formats\"\n"
      ".SH NAME\nhasyncd.toml \\- configuration of hasyncd\n"
      ".SH DESCRIPTION\nTOML, read from /etc/hasyncd/hasyncd.toml unless told otherwise. Unknown keys are "
      "errors; all errors are told at once.\n"
      ".B hasyncd \\-\\-check\nreads it and says what is wrong.\n.PP\n"
      ".B haipsec reload\n(or SIGHUP) swaps the whole configuration, or changes nothing. These can change "
      "so:";
  for (const char* key : live_keys()) out += " " + troff(code(key));
  out += ". All others need a restart, and are named.\n";
  for (const TableDefinition& table : kTables) {
    const std::string name =
        std::string(table.repeated ? "[[" : "[") + table.name + (table.repeated ? "]]" : "]");
    out += ".SH " + name + "\n" + troff(table.help) + "\n";
    for (const KeyDefinition* key : keys_of(table.name)) {
      const std::string absent = absent_text(*key);
      const std::string otherwise = key->absent == nullptr || absent.empty() ? absent : "default " + absent;
      out += ".TP\n.B " + std::string(key->name) + "\n" + troff(range_text(*key)) +
             (otherwise.empty() ? "" : "; " + troff(otherwise)) + "\n.br\n" + troff(key->help) + "\n";
    }
  }
  return out + ".SH SEE ALSO\n.BR hasyncd (8),\n.BR haipsec (8)\n";
}

}  // namespace hasync::hasyncd
