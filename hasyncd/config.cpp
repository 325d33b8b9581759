#include "hasyncd/config.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <sstream>

#include "hasyncd/config_keys.h"
#include "hasyncd/relations.h"
#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLargestFile = 1 << 20;
constexpr std::size_t kLongestSocket = 107;  // sockaddr_un.sun_path

bool is_number(const std::string& text, std::size_t digits) {
  return !text.empty() && text.size() <= digits &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool is_interface(const std::string& name) {
  return !name.empty() && name.size() <= 15 && name != "." && name != ".." &&
         std::ranges::none_of(name,
                              [](unsigned char c) { return std::isspace(c) != 0 || c == '/' || c == ':'; });
}

// Rows into a Config, then the rules between keys. Collects every problem.
class Builder {
 public:
  Builder(ConfigRows rows, const std::string& file) : rows_(std::move(rows)) {
    for (const TableDefinition& table : config_tables()) {
      if (table.repeated) continue;
      for (const auto& [key, line] : row(table.name).lines) {
        config.places[std::string(table.name) + "." + key] = file + ":" + std::to_string(line);
      }
    }
  }

  void build() {
    take_scalars();
    for (const ConfigRow& row : rows_.tables.at("member")) take_member(row);
    for (const ConfigRow& row : rows_.tables.at("vip")) take_vip(row);
    take_interfaces();
    take_metrics();
    std::ranges::sort(config.members, {}, &Config::Member::id);
    validate();
  }

  Config config;
  std::vector<ConfigProblem>& problems() { return rows_.problems; }
  std::vector<std::string> warnings;

 private:
  const ConfigRow& row(const std::string& table) const { return rows_.only(table); }
  milliseconds ms(const std::string& table, const std::string& key) const {
    return milliseconds{row(table).integer(key)};
  }
  void problem(std::uint32_t line, std::string text) { rows_.problems.push_back({line, std::move(text)}); }
  // All that a rule is about: else there is nothing to judge.
  bool were_read(std::initializer_list<const char*> keys) const {
    return std::ranges::none_of(keys, [this](const char* key) { return rows_.unread.contains(key); });
  }

  void take_scalars() {
    config.node = NodeId{static_cast<std::uint32_t>(row("node").integer("id"))};
    config.role = row("node").text("role") == "witness" ? Config::Role::Witness : Config::Role::Gateway;
    config.cluster_name = row("cluster").text("name");
    config.key_file = row("cluster").text("key_file");
    config.state_dir = row("cluster").text("state_dir");
    config.allow_unencrypted_ring = row("cluster").boolean("allow_unencrypted_ring");
    config.two_node =
        row("cluster").text("two_node") == "available" ? Config::TwoNode::Available : Config::TwoNode::Safe;
    config.two_node_silence = ms("cluster", "two_node_silence_ms");
    config.heartbeat_port = static_cast<std::uint16_t>(row("heartbeat").integer("port"));
    config.heartbeat_interval = ms("heartbeat", "interval_ms");
    config.realtime = row("heartbeat").boolean("realtime");
    config.fence = ms("fence", "fence_ms");
    config.evict_after = ms("fence", "evict_after_ms");
    config.drift_ppm = static_cast<std::uint32_t>(row("fence").integer("drift_ppm"));
    config.lease_size = static_cast<std::uint64_t>(row("lease").integer("size"));
    config.lease_peak = static_cast<std::uint64_t>(row("lease").integer("peak"));
    config.rekey_after_takeover = std::chrono::seconds{row("rekey").integer("after_takeover_s")};
    config.charon_socket = row("charon").text("socket");
    config.commit =
        row("output_commit").text("mode") == "available" ? Config::Commit::Available : Config::Commit::Strict;
    config.commit_wait = ms("output_commit", "wait_ms");
    config.control_socket = row("control").text("socket");
    config.admin_group = row("control").text("admin_group");
    config.read_group = row("control").text("read_group");
    config.log_level = row("log").text("level");
  }

  void take_member(const ConfigRow& from) {
    Config::Member member;
    member.id = NodeId{static_cast<std::uint32_t>(from.integer("id"))};
    member.name = from.text("name");
    if (!from.text("address").empty()) {
      const Result<Address> address = Address::parse(from.text("address"));
      if (!address) problem(from.line_of("address"), "member.address: " + address.error().what);
      if (address) member.address = *address;
    }
    config.members.push_back(std::move(member));
  }

  void take_vip(const ConfigRow& from) {
    clusterip::Vip vip;
    vip.interface = from.text("interface");
    if (!vip.interface.empty() && !is_interface(vip.interface)) {
      problem(from.line_of("interface"),
              "vip.interface: \"" + vip.interface + "\" cannot be an interface's name");
    }
    const std::string& text = from.text("address");
    const std::size_t slash = text.find('/');
    const Result<Address> address = Address::parse(text.substr(0, slash));
    const std::string prefix = slash == std::string::npos ? "" : text.substr(slash + 1);
    if (address && is_number(prefix, 3) && std::stoi(prefix) >= 1 &&
        std::stoi(prefix) <= (address->is_v4() ? 32 : 128)) {
      vip.address = *address;
      vip.prefix = static_cast<std::uint8_t>(std::stoi(prefix));
    } else if (!text.empty()) {
      problem(from.line_of("address"),
              "vip.address: \"" + text +
                  "\" is not allowed; allowed: an IPv4 address with a prefix length from 1 to 32, as "
                  "\"192.0.2.100/24\", or an IPv6 address with one from 1 to 128, as \"2001:db8::100/64\"");
    }
    config.vips.push_back(std::move(vip));
  }

  void take_metrics() {
    const std::string& text = row("metrics").text("listen");
    if (text.empty()) return;
    config.metrics = Endpoint::parse(text);
    if (config.metrics) return;
    problem(row("metrics").line_of("listen"),
            "metrics.listen: \"" + text +
                "\" is not allowed; allowed: an address and a port, as \"127.0.0.1:9420\" or "
                "\"[2001:db8::1]:9420\"");
  }

  void take_interfaces() {
    config.interfaces = row("clusterip").list("interfaces");
    for (const std::string& name : config.interfaces) {
      if (is_interface(name)) continue;
      problem(row("clusterip").line_of("interfaces"),
              "clusterip.interfaces: \"" + name + "\" cannot be an interface's name");
    }
    if (!config.interfaces.empty()) return;
    std::set<std::string> names;
    for (const clusterip::Vip& vip : config.vips) names.insert(vip.interface);
    config.interfaces.assign(names.begin(), names.end());
  }

  void validate() {
    check_members();
    check_majority();
    check_relations();
    check_vips();
    for (const char* table : {"charon", "control"}) {
      if (row(table).text("socket").size() <= kLongestSocket) continue;
      problem(row(table).line_of("socket"), std::string(table) +
                                                ".socket: longer than 107 characters, the most that a "
                                                "socket's path can have");
    }
  }

  // Of a member or a vip, what was not read is empty, and is like nothing.
  void check_members() {
    const auto& members = rows_.tables.at("member");
    if (members.empty() && were_read({"member.id"})) {
      problem(0, "member: is required: one [[member]] per node, this one included");
    }
    if (members.size() > kMaxMembers) {
      problem(members[kMaxMembers].line,
              "member: " + std::to_string(members.size()) + " of them; allowed: at most 16");
    }
    check_unique(
        "id", [](const ConfigRow& r) { return r.integer("id") == 0 ? "" : std::to_string(r.integer("id")); });
    check_unique("name", [](const ConfigRow& r) { return r.text("name"); });
    check_unique("address", [](const ConfigRow& r) { return r.text("address"); });
    check_families();
    if (members.empty() || !were_read({"node.id", "member.id"})) return;
    if (std::ranges::find(config.members, config.node, &Config::Member::id) == config.members.end()) {
      problem(row("node").line_of("id"),
              "node.id: " + std::to_string(config.node.value) + " is not the id of any [[member]]");
    }
  }

  void check_families() {
    std::set<bool> v4;
    for (const Config::Member& member : config.members)
      if (member.address != Address{}) v4.insert(member.address.is_v4());
    if (v4.size() < 2) return;
    problem(rows_.tables.at("member").front().line,
            "member.address: some are IPv4, some IPv6; heartbeats need one family");
  }

  // docs/decisions/0008-two-nodes.md
  void check_majority() {
    if (!were_read({"member.id", "node.role", "cluster.two_node"})) return;
    if (config.members.size() == 2 && config.role == Config::Role::Witness)
      problem(row("node").line_of("role"),
              "node.role: a witness beside one gateway; it takes two gateways and a witness");
    if (config.members.size() != 2 && config.two_node == Config::TwoNode::Available)
      problem(row("cluster").line_of("two_node"),
              "cluster.two_node: available is for two gateways without a witness; here are " +
                  std::to_string(config.members.size()) + " members");
    if (row("cluster").lines.contains("two_node_silence_ms") && config.two_node == Config::TwoNode::Safe)
      problem(row("cluster").line_of("two_node_silence_ms"),
              "cluster.two_node_silence_ms: means something with two_node = \"available\" only; remove it");
    warn_of_majorities();
  }

  void warn_of_majorities() {
    const std::size_t count = config.members.size();
    if (count == 1) warnings.emplace_back("one member only: nothing can take over from it");
    if (count == 2 && config.two_node == Config::TwoNode::Available) {
      warnings.emplace_back(
          "two gateways and no witness, two_node = available: both are active where only the network between "
          "them is cut, and a takeover ends all tunnels. Add a witness, a third small node");
    } else if (count == 2) {
      warnings.emplace_back(
          "two gateways and no witness: nothing is taken over from a node that is silent. Add a witness, a "
          "third small node");
    } else if (count != 0 && count % 2 == 0) {
      warnings.push_back(std::to_string(count) + " members bear no more failures than " +
                         std::to_string(count - 1) + ": an odd number is better");
    }
  }

  void check_unique(const std::string& key, const std::function<std::string(const ConfigRow&)>& value) {
    std::set<std::string> seen;
    for (const ConfigRow& member : rows_.tables.at("member")) {
      if (value(member).empty() || seen.insert(value(member)).second) continue;
      problem(member.line_of(key), "member." + key + ": " + value(member) + " is used twice");
    }
  }

  void check_relations() {
    for (const Relation& relation : relations(config, std::nullopt)) {
      if (relation.holds() || !was_read(*relation.rule)) continue;
      problem(row(relation.rule->table).line_of(relation.rule->key), complaint(relation));
    }
  }

  bool was_read(const Rule& rule) const {
    return were_read({rule.what}) && std::ranges::all_of(rule.least_from, [this](const char* key) {
             return key == nullptr || were_read({key});
           });
  }

  void check_vips() {
    const auto& vips = rows_.tables.at("vip");
    if (were_read({"node.role"})) check_role(vips);
    std::set<Address> seen;
    for (std::size_t i = 0; i < config.vips.size(); ++i) check_vip(config.vips[i], vips[i], seen);
  }

  void check_role(const std::vector<ConfigRow>& vips) {
    if (config.role == Config::Role::Witness && !vips.empty()) {
      problem(vips.front().line, "vip: a witness holds no address; remove it or set node.role = \"gateway\"");
    }
    if (config.role == Config::Role::Gateway && vips.empty() && were_read({"vip.address"})) {
      problem(row("node").line, "vip: a gateway needs at least one [[vip]]");
    }
  }

  void check_vip(const clusterip::Vip& vip, const ConfigRow& from, std::set<Address>& seen) {
    if (vip.address != Address{}) check_vip_address(vip.address, from.line_of("address"), seen);
    if (!vip.interface.empty() &&
        std::ranges::find(config.interfaces, vip.interface) == config.interfaces.end()) {
      problem(from.line_of("interface"),
              "vip.interface: " + vip.interface + " is not among clusterip.interfaces");
    }
  }

  void check_vip_address(const Address& address, std::uint32_t line, std::set<Address>& seen) {
    if (!seen.insert(address).second) problem(line, "vip.address: " + to_string(address) + " is used twice");
    if (std::ranges::find(config.members, address, &Config::Member::address) != config.members.end())
      problem(line, "vip.address: " + to_string(address) + " is the address of a [[member]]");
  }

  ConfigRows rows_;
};

std::string message_of(const std::string& file, const ConfigProblem& problem) {
  return file + ":" + (problem.line == 0 ? "" : std::to_string(problem.line) + ":") + " " + problem.text;
}

}  // namespace

const Config::Member& Config::self() const {
  return *std::ranges::find(members, node, &Member::id);
}

std::string Config::place_of(const std::string& table, const std::string& key) const {
  const auto known = places.find(table + "." + key);
  return known == places.end() ? "" : known->second;
}

ConfigOutcome parse_config(const std::string& text, const std::string& name) {
  ConfigRows rows = read_rows(text);
  ConfigOutcome out;
  if (rows.tables.empty()) {  // not TOML: nothing to look at
    for (const ConfigProblem& problem : rows.problems) out.errors.push_back(message_of(name, problem));
    return out;
  }
  Builder builder(std::move(rows), name);
  builder.build();
  std::ranges::stable_sort(builder.problems(), {}, &ConfigProblem::line);
  for (const ConfigProblem& problem : builder.problems()) out.errors.push_back(message_of(name, problem));
  for (const std::string& warning : builder.warnings) out.warnings.push_back(message_of(name, {0, warning}));
  if (out.errors.empty()) out.config = std::move(builder.config);
  return out;
}

ConfigOutcome load_config(const std::filesystem::path& file) {
  ConfigOutcome out;
  std::ifstream in(file, std::ios::binary);
  std::error_code error;
  if (!in || std::filesystem::is_directory(file, error)) {
    out.errors.push_back(file.string() + ": cannot be read: " + std::strerror(in ? EISDIR : errno));
    return out;
  }
  std::string text(kLargestFile + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kLargestFile) {
    out.errors.push_back(file.string() + ": larger than 1 MiB");
    return out;
  }
  return parse_config(text, file.string());
}

std::string to_text(const Config& config) {
  std::ostringstream out;
  out << "node.id = " << config.node.value
      << "\nnode.role = " << (config.role == Config::Role::Witness ? "witness" : "gateway")
      << "\ncluster.name = " << config.cluster_name << "\ncluster.key_file = " << config.key_file.string()
      << "\ncluster.allow_unencrypted_ring = " << (config.allow_unencrypted_ring ? "true" : "false")
      << "\ncluster.two_node = " << (config.two_node == Config::TwoNode::Available ? "available" : "safe")
      << "\ncluster.two_node_silence_ms = " << config.two_node_silence.count()
      << "\ncluster.state_dir = " << config.state_dir.string() << "\n";
  for (const Config::Member& m : config.members) {
    out << "member = " << m.id.value << " " << m.name << " " << to_string(m.address) << "\n";
  }
  out << "heartbeat.port = " << config.heartbeat_port
      << "\nheartbeat.interval_ms = " << config.heartbeat_interval.count()
      << "\nheartbeat.realtime = " << (config.realtime ? "true" : "false")
      << "\nfence.fence_ms = " << config.fence.count()
      << "\nfence.evict_after_ms = " << config.evict_after.count()
      << "\nfence.drift_ppm = " << config.drift_ppm << "\nlease.size = " << config.lease_size
      << "\nlease.peak = " << config.lease_peak
      << "\nrekey.after_takeover_s = " << config.rekey_after_takeover.count() << "\n";
  for (const clusterip::Vip& v : config.vips) {
    out << "vip = " << to_string(v.address) << "/" << int{v.prefix} << " " << v.interface << "\n";
  }
  for (const std::string& name : config.interfaces) out << "clusterip.interface = " << name << "\n";
  out << "charon.socket = " << config.charon_socket.string()
      << "\noutput_commit.mode = " << (config.commit == Config::Commit::Available ? "available" : "strict")
      << "\noutput_commit.wait_ms = " << config.commit_wait.count()
      << "\ncontrol.socket = " << config.control_socket.string() << "\ncontrol.admin_group = \""
      << config.admin_group << "\"\ncontrol.read_group = \"" << config.read_group << "\"\nmetrics.listen = \""
      << (config.metrics ? to_string(*config.metrics) : "") << "\"\nlog.level = " << config.log_level << "\n";
  return out.str();
}

}  // namespace hasync::hasyncd
