#include "vped/config.h"

#include <algorithm>
#include <set>

#include "base/toml.h"
#include "vpe/replay_window.h"
#include "vpe/window_id.h"

namespace hasync::vped {
namespace {

constexpr std::int64_t kFirstSpi = 256;  // RFC 4303, section 2.1
constexpr std::int64_t kLastSpi = 0xffffffff;
constexpr std::size_t kLongestInterface = 15;

// RFC 5771, section 3; RFC 4291, section 2.7.
bool is_multicast(const Address& address) {
  const std::uint8_t first = address.wire()[0];
  return address.is_v4() ? (first & 0xf0U) == 0xe0 : first == 0xff;
}

// One table: takes its keys one by one, and then says which it did not know.
class Table {
 public:
  Table(const toml::table& table, std::string name, std::string file, std::vector<std::string>& errors)
      : table_(table), name_(std::move(name)), file_(std::move(file)), errors_(errors) {}

  void problem(const std::string& key, const std::string& text) {
    const toml::node* node = table_.get(key);
    const toml::source_region& at = node != nullptr ? node->source() : table_.source();
    errors_.push_back(file_ + ":" + std::to_string(at.begin.line) + ": " + name_ + "." + key + ": " + text);
  }

  std::int64_t integer(const std::string& key, std::int64_t least, std::int64_t most,
                       std::optional<std::int64_t> absent = {}) {
    const toml::node* node = take(key, absent.has_value());
    if (node == nullptr) return absent.value_or(least);
    const auto value = node->value_exact<std::int64_t>();
    if (value && *value >= least && *value <= most) return *value;
    problem(key, "must be a number from " + std::to_string(least) + " to " + std::to_string(most));
    return least;
  }
  std::string text(const std::string& key, const std::optional<std::string>& absent = {}) {
    const toml::node* node = take(key, absent.has_value());
    if (node == nullptr) return absent.value_or("");
    const auto value = node->value_exact<std::string>();
    if (value && !value->empty() && value->find('\0') == std::string::npos) return *value;
    problem(key, "must be a text");
    return "";
  }
  bool flag(const std::string& key, bool absent) {
    const toml::node* node = take(key, true);
    if (node == nullptr) return absent;
    const auto value = node->value_exact<bool>();
    if (!value) problem(key, "must be true or false");
    return value.value_or(absent);
  }
  std::filesystem::path path(const std::string& key, std::optional<std::string> absent = {}) {
    const std::string value = text(key, std::move(absent));
    if (!value.empty() && value.front() != '/') problem(key, "must be an absolute path");
    return value;
  }
  Address address(const std::string& key) {
    const std::string value = text(key);
    if (value.empty()) return {};
    const auto parsed = Address::parse(value);
    if (parsed) return *parsed;
    problem(key, "must be an IP address");
    return {};
  }
  EspSpi spi(const std::string& key) {
    const std::size_t before = errors_.size();
    const std::int64_t value = integer(key, kFirstSpi, kLastSpi);
    return EspSpi{errors_.size() == before ? static_cast<std::uint32_t>(value) : 0};
  }
  std::vector<Prefix> prefixes(const std::string& key) {
    std::vector<Prefix> out;
    const toml::node* node = take(key, false);
    if (node == nullptr) return out;
    if (const toml::array* array = node->as_array()) {
      for (const toml::node& one : *array) {
        const auto parsed = Prefix::parse(one.value_or(std::string()));
        if (parsed) out.push_back(*parsed);
      }
      if (!out.empty() && out.size() == array->size()) return out;
    }
    problem(key, "must be a list of prefixes like \"10.1.0.0/16\", whose bits beyond the length are 0");
    return {};
  }
  void check_unknown() {
    for (const auto& [key, node] : table_)
      if (!known_.contains(std::string(key.str()))) problem(std::string(key.str()), "is not known here");
  }

 private:
  const toml::node* take(const std::string& key, bool optional) {
    known_.insert(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr && !optional) problem(key, "is required");
    return node;
  }

  const toml::table& table_;
  std::string name_;
  std::string file_;
  std::vector<std::string>& errors_;
  std::set<std::string> known_;
};

void read_gateway(Table& table, Config& out) {
  out.interface = table.text("interface", "vpe0");
  if (out.interface.size() > kLongestInterface || out.interface.find_first_of("/% ") != std::string::npos)
    table.problem("interface", "is no name of an interface");
  out.address = table.address("address");
  out.port = static_cast<std::uint16_t>(table.integer("port", 1, 65535));
  out.shared = table.flag("shared", false);
  out.workers = static_cast<std::uint32_t>(table.integer("workers", 0, vpe::kCores, 0));
  out.node = static_cast<std::uint8_t>(table.integer("node", 0, vpe::kNodes - 1, 0));
  out.mtu = static_cast<std::uint32_t>(table.integer("mtu", 0, vpe::kLargestPayload, 0));
  if (out.mtu != 0 && out.mtu < 576) table.problem("mtu", "must be 0 or at least 576");
  out.state_dir = table.path("state_dir", "/var/lib/vped");
  out.control = table.path("control", "/run/vped/control.sock");
  table.check_unknown();
}

std::uint32_t read_window(Table& table) {
  const auto bits = static_cast<std::uint32_t>(
      table.integer("window", vpe::kSmallestWindow, vpe::kLargestWindow, Config::Line().window_bits));
  if (!vpe::is_window_size(bits)) table.problem("window", "must be a power of two");
  return bits;
}

void read_charon(Table& table, Config& out) {
  Config::Charon charon;
  charon.socket = table.path("socket", "/run/charon.hasync");
  charon.window_bits = read_window(table);
  table.check_unknown();
  out.charon = std::move(charon);
}

// What was not read is empty: it is like nothing.
bool of_another_family(const Address& one, const Address& other) {
  return one != Address{} && other != Address{} && one.is_v4() != other.is_v4();
}

void take(Table& table, Tunnel tunnel, Config::Line line, const std::string& spi, Config& out) {
  for (const Tunnel& other : out.tunnels) {
    if (!tunnel.name.empty() && other.name == tunnel.name)
      table.problem("name", "is taken by another tunnel or group");
    if (tunnel.spi_in.value != 0 && other.spi_in == tunnel.spi_in)
      table.problem(spi, "is taken by another tunnel or group");
  }
  table.check_unknown();
  out.tunnels.push_back(std::move(tunnel));
  out.lines.push_back(std::move(line));
}

void read_tunnel(Table& table, Config& out) {
  Tunnel tunnel;
  Config::Line line;
  tunnel.name = table.text("name");
  tunnel.peer = table.address("peer");
  tunnel.peer_port = static_cast<std::uint16_t>(table.integer("peer_port", 1, 65535, out.port));
  tunnel.spi_out = table.spi("out_spi");
  tunnel.spi_in = table.spi("in_spi");
  tunnel.local = table.prefixes("local");
  tunnel.remote = table.prefixes("remote");
  tunnel.sender = vpe::SenderId{static_cast<std::uint16_t>(table.integer("sender", 0, 65535, 0))};
  tunnel.peer_sender = vpe::SenderId{static_cast<std::uint16_t>(table.integer("peer_sender", 0, 65535, 0))};
  line.key_file = table.path("key_file");
  line.window_bits = read_window(table);
  if (table.text("mode", "tunnel") != "tunnel")
    table.problem("mode", "VPE has tunnel mode only: its packets do not say what follows the IP header");
  if (of_another_family(tunnel.peer, out.address))
    table.problem("peer", "is of another family than gateway.address");
  take(table, std::move(tunnel), std::move(line), "in_spi", out);
}

void read_group(Table& table, Config& out) {
  Tunnel group{.peer_port = out.port, .peer_sender = std::nullopt};
  Config::Line line;
  group.name = table.text("name");
  group.peer = table.address("address");
  group.spi_in = group.spi_out = table.spi("spi");
  group.sender = vpe::SenderId{static_cast<std::uint16_t>(table.integer("sender", 1, 65535))};
  group.local = table.prefixes("sources");
  group.remote = table.prefixes("destinations");
  line.key_file = table.path("key_file");
  line.window_bits = read_window(table);
  line.hops = static_cast<std::uint8_t>(table.integer("hops", 1, 255, 1));
  if (group.peer != Address{} && !is_multicast(group.peer))
    table.problem("address", "must be a multicast address");
  if (of_another_family(group.peer, out.address))
    table.problem("address", "is of another family than gateway.address");
  take(table, std::move(group), std::move(line), "spi", out);
}

void read_metrics(Table& table, Config& out) {
  const std::string text = table.text("listen");
  out.metrics = Endpoint::parse(text);
  if (!text.empty() && !out.metrics)
    table.problem("listen", "must be an address and a port, as \"127.0.0.1:9421\" or \"[2001:db8::1]:9421\"");
  table.check_unknown();
}

using ReadsOne = void (*)(Table&, Config&);

void read_one(const toml::table* from, const std::string& name, const std::string& file, ReadsOne reads,
              Config& out, std::vector<std::string>& errors) {
  if (from == nullptr) return;
  Table table(*from, name, file, errors);
  reads(table, out);
}

void read_each(const toml::table& root, const std::string& name, const std::string& file, ReadsOne reads,
               Config& out, std::vector<std::string>& errors) {
  if (!root.contains(name)) return;
  const toml::array* array = root[name].as_array();
  if (array == nullptr || !array->is_homogeneous<toml::table>())
    return errors.push_back(file + ":" + std::to_string(root.get(name)->source().begin.line) + ": " + name +
                            ": is written as [[" + name + "]], once for each");
  for (const toml::node& node : *array) {
    Table one(*node.as_table(), name, file, errors);
    reads(one, out);
  }
}

void read(const toml::table& root, const std::string& file, Config& out, std::vector<std::string>& errors) {
  for (const auto& [key, node] : root)
    if (key != "gateway" && key != "charon" && key != "metrics" && key != "tunnel" && key != "group")
      errors.push_back(
          file + ":" + std::to_string(node.source().begin.line) + ": " + std::string(key.str()) +
          ": is not known here; known are [gateway], [charon], [metrics], [[tunnel]] and [[group]]");
  const toml::table* gateway = root["gateway"].as_table();
  const toml::table* charon = root["charon"].as_table();
  if (gateway == nullptr) errors.push_back(file + ":1: there must be a table [gateway]");
  const toml::table* metrics = root["metrics"].as_table();
  if (root.contains("charon") && charon == nullptr) errors.push_back(file + ":1: charon must be a table");
  if (root.contains("metrics") && metrics == nullptr) errors.push_back(file + ":1: metrics must be a table");
  if (charon == nullptr && !root.contains("tunnel") && !root.contains("group"))
    errors.push_back(file + ":1: there must be [charon], [[tunnel]] or [[group]]");
  read_one(gateway, "gateway", file, read_gateway, out, errors);
  read_one(charon, "charon", file, read_charon, out, errors);
  read_one(metrics, "metrics", file, read_metrics, out, errors);
  read_each(root, "tunnel", file, read_tunnel, out, errors);
  read_each(root, "group", file, read_group, out, errors);
}

}  // namespace

ConfigOutcome parse_config(const std::string& text, const std::string& name) {
  ConfigOutcome out;
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    out.errors.push_back(name + ":" + std::to_string(parsed.error().source().begin.line) +
                         ": not TOML: " + std::string(parsed.error().description()));
    return out;
  }
  Config config;
  read(parsed.table(), name, config, out.errors);
  if (out.errors.empty()) out.config = std::move(config);
  return out;
}

}  // namespace hasync::vped
