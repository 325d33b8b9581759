// docs/json*.md against what is written: every member has its row, of its type, and every row its member.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "context.pb.h"
#include "haipsec/check.h"
#include "haipsec/keys.h"
#include "haipsec/transfer.h"
#include "hasyncd/adapters/status_json.h"
#include "tests/support/fake_plugin.h"
#include "vped/adapters/status_json.h"

namespace hasync::haipsec {
namespace {

using namespace hasyncd;
using namespace std::chrono_literals;
using nlohmann::ordered_json;
namespace fs = std::filesystem;

using Members = std::map<std::string, std::string>;  // name -> type

std::vector<std::string> split(const std::string& text, const std::string& at) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find(at, begin)) != std::string::npos; begin = end + at.size())
    out.push_back(text.substr(begin, end - begin));
  out.push_back(text.substr(begin));
  return out;
}

// Links as their text, "`a`, `b` | number" as a row for each.
void add_row(const std::string& line, Members& out) {
  const auto cells = split(std::regex_replace(line, std::regex(R"(\[(\w+)\]\([^)]*\))"), "[$1]"), " | ");
  if (cells.size() < 3) return;
  const auto types = split(cells[1], ", ");
  std::size_t i = 0;
  for (const std::string& name : split(cells[0].substr(2), ", "))
    out[name.substr(1, name.size() - 2)] = types[std::min(i++, types.size() - 1)];
}

std::map<std::string, Members> documented() {
  std::map<std::string, Members> out;
  for (const char* page : {"json.md", "json-verbs.md", "json-vpe.md"}) {
    std::ifstream in(fs::path(HASYNC_SOURCE "/docs") / page);
    std::string object;
    for (std::string line; std::getline(in, line);) {
      if (line.rfind("### ", 0) == 0) object = line.substr(4);
      if (line.rfind("| `", 0) == 0) add_row(line, out[object]);
    }
  }
  return out;
}

class JsonTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_FALSE(documents_.empty()); }

  void compare(const std::string& object, const ordered_json& written) {
    ASSERT_TRUE(documents_.contains(object)) << object;
    for (const auto& [name, value] : written.items()) {
      const auto row = documents_[object].find(name);
      if (row == documents_[object].end()) {
        ADD_FAILURE() << object << "." << name << " has no row";
      } else if (!fits(row->second, value)) {
        ADD_FAILURE() << object << "." << name << " is no " << row->second << ": " << value;
      } else if (!value.is_null()) {
        missing_.erase(object + "." + name);
      }
    }
  }
  void compare_answer(const ControlAnswer& answer) { compare("reply", ordered_json::parse(to_line(answer))); }
  // "object.member" of all that was not written yet.
  const std::set<std::string>& missing() const { return missing_; }

 private:
  static std::set<std::string> all(const std::map<std::string, Members>& documents) {
    std::set<std::string> out;
    for (const auto& [object, members] : documents)
      for (const auto& [name, type] : members) out.insert(object + "." + name);
    return out;
  }
  bool fits(const std::string& type, const ordered_json& value) {
    if (const auto either = split(type, " or "); either.size() == 2 && either[1] == "null")
      return value.is_null() || fits(either[0], value);
    const auto each = [&](const std::string& of) {
      return std::ranges::all_of(value, [&](const ordered_json& one) { return fits(of, one); });
    };
    if (type.rfind("list of ", 0) == 0) return value.is_array() && each(type.substr(8));
    if (type.rfind("map to ", 0) == 0) return value.is_object() && each(type.substr(7));
    if (type.rfind('[', 0) == 0 && value.is_object()) compare(type.substr(1, type.size() - 2), value);
    return (type == "text" && value.is_string()) || (type == "number" && value.is_number_integer()) ||
           (type == "boolean" && value.is_boolean()) || (type.rfind('[', 0) == 0 && value.is_object());
  }

  std::map<std::string, Members> documents_ = documented();
  std::set<std::string> missing_ = all(documents_);
};

// Everything that may be empty or null is there.
NodeStatus status() {
  NodeStatus out;
  out.owner = NodeId{1};
  out.fence = {true, 71230us, 61030us, 80ms};
  out.relations = {{"fence-heartbeats", "fence.fence_ms", "why", "ms", 80, 90}};
  out.members = {{.id = NodeId{2}, .name = "gw2", .role = "gateway", .last_heartbeat_ago = 4ms}};
  out.replay_bound = 90;
  out.warnings = {"look"};
  out.counters = {{"ring_unsealed", 1}};
  return out;
}

TunnelStatus tunnel() {
  TunnelStatus out;
  out.leases = {{{Address::v4(192, 0, 2, 1), EspSpi{1}}, true, 1000, 65536}};
  out.vpe = {{EspSpi{2}, {{NodeId{1}, 0, 1}}}};
  out.owner = NodeId{2};
  return out;
}

CheckStatus checked() {
  CheckStatus out{.node = status()};
  out.answers = {{.name = "gw2", .charon = AboutCharon{.connections = {{"branch", {"net"}}}}}, {"gw3"}};
  out.strangers = {{"192.0.2.9", "gw2", 3, 4s}};
  out.interfaces = {"wan0"};
  return out;
}

vped::Snapshot vped_status() {
  vped::TunnelStatus counted{.mtu = 1440};
  counted.sent.drops[1] = 3;
  counted.sending = {{{vpe::kUnicast, vpe::window_id({.node = 2}, 0)}, 8},
                     {{vpe::kUnicast, vpe::window_id({.node = 2}, 3)}, 0}};
  counted.receiving = {{{vpe::SenderId{9}, vpe::window_id({.core = 1}, 2)}, 77}};
  return {"vpe0",
          "ipsec-mb",
          0,
          true,
          {vped::KnownTunnel{.place = vpe::Place{.node = 2, .incarnation = 4}}, vped::KnownTunnel{}},
          {{.tunnels = {counted, {}}}}};
}

// haipsec's own verbs, without a daemon.
class Verbs {
 public:
  Verbs() {
    std::string name = testing::TempDir() + "haipsec-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    options_.json = true;
    options_.socket = folder_ / "nobody";
    options_.config = folder_ / "nothing";
    options_.key = options_.file = folder_ / "key";
    options_.witness = folder_ / "witness";
    options_.charon = folder_ / "charon";
    options_.tunnel = "branch-7";
    proto::Context context;
    context.set_major(1);
    context.mutable_ike()->set_initiator_spi(1);
    context.mutable_ike()->set_responder_spi(2);
    context.mutable_ike()->set_connection(options_.tunnel);
    context.mutable_ike()->mutable_local()->set_address(std::string("\xc0\0\2\1", 4));
    context.mutable_ike()->mutable_remote()->set_address(std::string("\xc6\x33\x64\7", 4));
    plugin_ = std::make_unique<test::FakePlugin>(options_.charon);
    plugin_->hold({1, 2}, context.SerializeAsString());
  }
  ~Verbs() {
    plugin_.reset();
    fs::remove_all(folder_);
  }
  Verbs(const Verbs&) = delete;
  Verbs& operator=(const Verbs&) = delete;

  ordered_json run(int (*command)(const Options&)) const {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    command(options_);
    (void)testing::internal::GetCapturedStderr();
    return ordered_json::parse(testing::internal::GetCapturedStdout(), nullptr, false);
  }
  void use_file(const char* name) { options_.file = folder_ / name; }
  void use_witness(const char* name) { options_.witness = folder_ / name; }

 private:
  fs::path folder_;
  Options options_;
  std::unique_ptr<test::FakePlugin> plugin_;
};

TEST_F(JsonTest, EveryMemberHasItsRowAndEveryRowItsMember) {
  const auto event = std::make_shared<Event>();
  event->fields = {{"text", "two words"}};
  for (const ControlAnswer& answer : std::vector<ControlAnswer>{
           Error{Errc::Busy, "wait"}, Accepted{"done"}, status(), NodeStatus{},
           TunnelPage{{tunnel()}, SaId{1, 2}}, TunnelPage{}, tunnel(), checked(),
           KeyStatus{.keys = {"a"}, .members = {{"gw2", {"a"}, "a"}}, .contexts = {{"a", 7}}},
           EventList{{event}}, EventStream{}})
    compare_answer(answer);
  compare("event", ordered_json::parse(event_line(event)));
  compare("event", ordered_json::parse(event_line(Missed{3})));
  compare("vpe_reply", {{"ok", true}, {"status", to_json(vped_status())}});

  Verbs haipsec;
  compare("keygen", haipsec.run(keygen));
  haipsec.use_witness("another");
  compare("rotate", haipsec.run(key_rotate));
  haipsec.use_file("context");
  compare("get", haipsec.run(get));
  compare("put", haipsec.run(put));
  compare("findings", haipsec.run(check));
  compare("version", haipsec.run(version));
  compare("reply", haipsec.run(haipsec::status));

  EXPECT_THAT(missing(), testing::ElementsAre("version.hasyncd"));  // nobody answered
}

}  // namespace
}  // namespace hasync::haipsec
