#include "haipsec/check/gather.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ctx-transfer/xfrm/xfrm_ae.h"
#include "haipsec/charon_session.h"
#include "haipsec/check/certificates.h"
#include "haipsec/check/cluster_facts.h"
#include "haipsec/control_client.h"
#include "haipsec/tunnels.h"
#include "hasyncd/adapters/key_file.h"
#include "hasyncd/adapters/ring_settings_reader.h"
#include "hasyncd/adapters/surroundings_reader.h"

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::seconds kQuestion{10};
constexpr const char* kVici = "/run/charon.vici";

std::string text_of_file(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Whether somebody listens there, be it that he accepts nobody now.
bool answers(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const bool out =
      fd >= 0 &&
      (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN);
  if (fd >= 0) ::close(fd);
  return out;
}

Result<ctx::CharonSetup> ask_charon(const std::string& socket) {
  auto session = CharonSession::open(socket);
  if (!session) return session.error();
  return (*session)->setup();
}

Status probe_xfrm() {
  const int fd = hasync_xfrm_open();
  if (fd < 0) return Error{Errc::System, std::string("the kernel has no XFRM: ") + std::strerror(-fd)};
  ::close(fd);
  return Done{};
}

// Those that are built in or can be loaded; empty where that does not stand beside the kernel.
std::string modules_of_kernel() {
  utsname kernel{};
  ::uname(&kernel);
  const std::string folder = std::string("/lib/modules/") + kernel.release;
  return text_of_file(folder + "/modules.builtin") + text_of_file(folder + "/modules.dep");
}

// Whether ESP can be had nobody can tell from elsewhere before an SA is installed.
FamilyFact family_of(const std::string& modules, const char* esp, const char* forwarding) {
  const std::string forwards = text_of_file(std::string("/proc/sys/net/") + forwarding);
  return {.esp = modules.empty() || modules.find(std::string("/") + esp + ".ko") != std::string::npos,
          .forwards = !forwards.empty() && forwards.front() != '0'};
}

std::vector<MissedTurn> missed_turns() {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  std::vector<MissedTurn> out;
  for (const hasyncd::RingPause& pause : hasyncd::read_ring_pauses())
    out.push_back({(now - static_cast<std::int64_t>(pause.at_ms)) / 1000, pause.delay_ms});
  return out;
}

MachineFacts look_at_machine(const Options& options) {
  MachineFacts out;
  out.root = ::geteuid() == 0;
  if (!out.root) return out;
  out.config = hasyncd::load_config(options.config);
  if (out.config.config) {
    const auto keys = hasyncd::load_keys(out.config.config->key_file);
    if (!keys) out.key = keys.error();
    out.disks.push_back(hasyncd::read_disk(out.config.config->state_dir.string()));
  }
  out.disks.push_back(hasyncd::read_disk(hasyncd::kLogs));
  const std::string charon = out.config.config ? out.config.config->charon_socket.string() : options.charon;
  out.control = hasyncd::read_socket(options.socket);
  out.charon_socket = hasyncd::read_socket(charon);
  out.ring = hasyncd::read_ring_settings();
  out.missed_turns = missed_turns();
  out.charon_runs = answers(kVici);
  out.charon = ask_charon(charon);
  out.kernel_xfrm = probe_xfrm();
  const std::string modules = modules_of_kernel();
  out.v4 = family_of(modules, "esp4", "ipv4/ip_forward");
  out.v6 = family_of(modules, "esp6", "ipv6/conf/all/forwarding");
  out.routes = ipv4_routes(text_of_file("/proc/net/route"));
  const auto more = ipv6_routes(text_of_file("/proc/net/ipv6_route"));
  out.routes.insert(out.routes.end(), more.begin(), more.end());
  out.certificates = read_certificates("/etc/swanctl");
  return out;
}

// The reply, or why there is none with this part.
Result<ordered_json> accepted(Result<ordered_json> reply, const char* part) {
  if (!reply || ((*reply)["ok"].get<bool>() && reply->contains(part))) return reply;
  const ordered_json error = reply->value("error", ordered_json::object());
  return Error{Errc::Denied, error.is_object() ? error.value("text", "hasyncd refused") : "hasyncd refused"};
}

Result<ClusterFacts> ask_cluster(const Options& options) {
  const auto reply = accepted(ask(options.socket, {{"command", "check"}}, kQuestion), "check");
  if (!reply) return reply.error();
  ordered_json tunnels = ordered_json::array();
  const auto last = accepted(
      each_page(options.socket,
                [&](const ordered_json& page) { tunnels.insert(tunnels.end(), page.begin(), page.end()); }),
      "tunnels");
  if (!last) return last.error();
  return cluster_facts((*reply)["check"], tunnels);
}

constexpr std::string_view kHex = "0123456789abcdefABCDEF";

// Bytes as they stand; empty where it is no such text.
std::vector<std::uint8_t> bytes_of(const std::string& hex) {
  std::vector<std::uint8_t> out;
  if (hex.find_first_not_of(kHex) != std::string::npos) return out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  return out;
}

}  // namespace

// Numbers of 32 bits, printed as the machine has them: here with the last byte of the address first.
std::vector<Route> ipv4_routes(const std::string& table) {
  std::vector<Route> out;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string interface, network, gateway, flags, uses, references, metric, mask;
    words >> interface >> network >> gateway >> flags >> references >> uses >> metric >> mask;
    const auto address = bytes_of(network);
    const auto bits = bytes_of(mask);
    if (address.size() != 4 || bits.size() != 4) continue;  // the heading
    unsigned prefix = 96;
    for (const std::uint8_t byte : bits) prefix += static_cast<unsigned>(std::popcount(byte));
    out.push_back({Address::v4(address[3], address[2], address[1], address[0]), prefix, interface});
  }
  return out;
}

std::vector<Route> ipv6_routes(const std::string& table) {
  std::vector<Route> out;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    const std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
    if (fields.size() != 10 || fields[9] == "lo") continue;
    const auto address = bytes_of(fields[0]);
    const auto prefix = bytes_of(fields[1]);
    if (address.size() != 16 || prefix.size() != 1 || address[0] == 0xff) continue;  // multicast
    Route& route = out.emplace_back(Route{{}, prefix[0], fields[9]});
    std::ranges::copy(address, route.network.bytes.begin());
  }
  return out;
}

Facts gather(const Options& options) {
  Facts out{.version = HASYNC_VERSION, .machine = look_at_machine(options)};
  out.cluster = ask_cluster(options);
  return out;
}

}  // namespace hasync::haipsec
