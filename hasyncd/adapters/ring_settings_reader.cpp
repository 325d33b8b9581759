#include "hasyncd/adapters/ring_settings_reader.h"

#include <corosync/cmap.h>
#include <corosync/votequorum.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "hasyncd/adapters/corosync_error.h"

namespace hasync::hasyncd {
namespace {

class Cmap {
 public:
  explicit Cmap(cmap_handle_t handle) : handle_(handle) {}
  ~Cmap() { cmap_finalize(handle_); }
  Cmap(const Cmap&) = delete;
  Cmap& operator=(const Cmap&) = delete;

  std::string text(const char* key, const char* absent) const {
    char* value = nullptr;
    if (cmap_get_string(handle_, key, &value) != CS_OK) return absent;
    std::string out = value;
    std::free(value);  // NOLINT(cppcoreguidelines-no-malloc): allocated by libcmap
    return out;
  }

  std::optional<std::uint32_t> number(const std::string& key) const {
    std::uint32_t value = 0;
    if (cmap_get_uint32(handle_, key.c_str(), &value) != CS_OK) return {};
    return value;
  }

 private:
  cmap_handle_t handle_;
};

std::string cipher_of(const Cmap& map) {
  // corosync.conf(5): secauth is the older way to ask for aes256 with sha256, and gives way to crypto_cipher.
  const std::string secauth = map.text("totem.secauth", "off");
  return map.text("totem.crypto_cipher", secauth == "on" || secauth == "yes" ? "aes256" : "none");
}

QuorumDevice device_of(NodeId local) {
  votequorum_handle_t handle = 0;
  if (votequorum_initialize(&handle, nullptr) != CS_OK) return {};
  votequorum_info info{};
  const cs_error_t code = votequorum_getinfo(handle, local.value, &info);
  votequorum_finalize(handle);
  if (code != CS_OK) return {};
  const auto has = [&](unsigned flag) { return (info.flags & flag) != 0; };
  return {has(VOTEQUORUM_INFO_QDEVICE_REGISTERED), has(VOTEQUORUM_INFO_QDEVICE_ALIVE),
          has(VOTEQUORUM_INFO_QDEVICE_CAST_VOTE)};
}

}  // namespace

std::vector<RingPause> read_ring_pauses() {
  std::vector<RingPause> out;
  cmap_handle_t handle = 0;
  if (cmap_initialize_map(&handle, CMAP_MAP_STATS) != CS_OK) return out;
  const Cmap map(handle);
  for (int i = 0; i < 10; ++i) {
    const std::string key = "stats.schedmiss." + std::to_string(i);  // cmap_keys(7)
    std::uint64_t at = 0;
    float delay = 0;
    if (cmap_get_uint64(handle, (key + ".timestamp").c_str(), &at) != CS_OK ||
        cmap_get_float(handle, (key + ".delay").c_str(), &delay) != CS_OK) {
      break;
    }
    out.push_back({at, delay});
  }
  return out;
}

Result<RingSettings> read_ring_settings() {
  cmap_handle_t handle = 0;
  const cs_error_t code = cmap_initialize(&handle);
  if (code != CS_OK) return corosync_error("cmap_initialize", code);
  const Cmap map(handle);

  RingSettings out;
  const std::optional<std::uint32_t> position = map.number("nodelist.local_node_pos");
  if (!position) return invalid("corosync.conf: this host is not in the nodelist (nodelist.local_node_pos)");
  for (std::uint32_t i = 0;; ++i) {
    const auto id = map.number("nodelist.node." + std::to_string(i) + ".nodeid");
    if (!id) break;
    if (i == *position) out.local = NodeId{*id};
    out.nodes.emplace_back(*id);
  }
  if (out.local == kNobody) return invalid("corosync.conf: nodelist.node: a node has no nodeid");
  std::sort(out.nodes.begin(), out.nodes.end());
  out.cluster_name = map.text("totem.cluster_name", "");
  out.transport = map.text("totem.transport", "knet");
  out.cipher = cipher_of(map);
  out.votequorum = map.text("quorum.provider", "") == "corosync_votequorum";
  if (!map.text("quorum.device.model", "").empty()) out.device = device_of(out.local);
  const auto time = [&](const char* name) { return map.number(std::string("runtime.config.totem.") + name); };
  const auto token = time("token");
  const auto retransmit = time("token_retransmit");
  const auto consensus = time("consensus");
  if (!token || !retransmit || !consensus)
    return Error{Errc::Unsupported, "corosync does not tell its token and consensus times"};
  using std::chrono::milliseconds;
  out.times = {milliseconds{*token}, milliseconds{*retransmit}, milliseconds{*consensus}};
  return out;
}

}  // namespace hasync::hasyncd
