#include "clusterip/adapters/gate_maps.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "clusterip/adapters/gate_object.h"

namespace hasync::clusterip {
namespace {

static_assert(kReasons == HASYNC_REASONS);
static_assert(static_cast<int>(Reason::Contended) == HASYNC_CONTENDED);
static_assert(static_cast<int>(Reason::Repeated) == HASYNC_REPEATED);
static_assert(static_cast<int>(Reason::Fragment) == HASYNC_FRAGMENT);

constexpr std::uint32_t kMaxSas = 1U << 24;

// libbpf tells details only by this callback. One thread uses it, while an object is loaded.
std::string& last_words() {
  static std::string text;
  return text;
}

__attribute__((format(printf, 2, 0))) int keep_warnings(libbpf_print_level level, const char* format,
                                                        va_list args) {
  if (level != LIBBPF_WARN) return 0;
  std::array<char, 512> line{};
  const int length = std::vsnprintf(line.data(), line.size(), format, args);
  last_words() = line.data();
  while (last_words().ends_with('\n')) last_words().pop_back();
  return length;
}

Error failed(const std::string& what, int error) {
  const Errc code = error == EPERM || error == EACCES ? Errc::Denied : Errc::System;
  std::string text = "eBPF: " + what + ": " + std::strerror(error);
  if (!last_words().empty()) text += " (" + last_words() + ")";
  return {code, text};
}

Status check(const BpfGateConfig& config) {
  if (config.interfaces.empty()) return invalid("gate: `interfaces` is empty; nothing would be fenced");
  if (config.vips.empty() || config.vips.size() > HASYNC_MAX_VIPS) {
    return invalid("gate: " + std::to_string(config.vips.size()) + " `vips`, allowed are 1 to 32");
  }
  if (config.max_sas == 0 || config.max_sas > kMaxSas) {
    return invalid("gate: `max_sas` " + std::to_string(config.max_sas) + ", allowed are 1 to 2^24");
  }
  if (config.ike_port == 0 || config.natt_port == 0 || config.ike_port == config.natt_port) {
    return invalid("gate: `ike_port` and `natt_port` must be different ports");
  }
  return Done{};
}

hasync_address kernel_address(const Address& address) {
  hasync_address words{};
  std::memcpy(words.words, address.bytes.data(), sizeof(words.words));
  return words;
}

hasync_sa_key kernel_key(const OutboundKey& sa) {
  return {kernel_address(sa.address), htonl(sa.spi.value)};
}

Status set_constants(bpf_object* object, const BpfGateConfig& config) {
  std::size_t size = 0;
  bpf_map* rodata = bpf_object__find_map_by_name(object, ".rodata");
  void* constants = rodata == nullptr ? nullptr : const_cast<void*>(bpf_map__initial_value(rodata, &size));
  if (constants == nullptr || size != sizeof(hasync_settings))
    return failed("constants of the object", EINVAL);
  hasync_settings settings{config.ike_port, config.natt_port, static_cast<__u32>(config.vips.size()), {}};
  std::ranges::transform(config.vips, settings.vips, kernel_address);
  std::memcpy(constants, &settings, sizeof(settings));
  for (const char* name : {"gate", "slots", "left"}) {
    if (const int status =
            bpf_map__set_max_entries(bpf_object__find_map_by_name(object, name), config.max_sas)) {
      return failed(std::string("size of map ") + name, -status);
    }
  }
  return Done{};
}

}  // namespace

Result<GateMaps> GateMaps::load(const BpfGateConfig& config) {
  if (auto status = check(config); !status) return status.error();
  libbpf_set_print(keep_warnings);
  last_words().clear();
  bpf_object_open_opts options;
  std::memset(&options, 0, sizeof(options));
  options.sz = sizeof(options);
  options.object_name = "hasync_gate";
  const auto bytes = gate_object();
  Object object(bpf_object__open_mem(bytes.data(), bytes.size(), &options));
  if (!object) return failed("open the object", errno);
  if (auto status = set_constants(object.get(), config); !status) return status.error();
  if (const int status = bpf_object__load(object.get())) return failed("load the programs", -status);

  auto fence =
      MappedArray<__u64>::map(bpf_object__find_map_fd_by_name(object.get(), "fence"), HASYNC_FENCE_SLOTS);
  if (!fence) return fence.error();
  auto slots = MappedArray<hasync_sa_slot>::map(bpf_object__find_map_fd_by_name(object.get(), "slots"),
                                                config.max_sas);
  if (!slots) return slots.error();
  auto left =
      MappedArray<hasync_left>::map(bpf_object__find_map_fd_by_name(object.get(), "left"), config.max_sas);
  if (!left) return left.error();
  last_words().clear();
  return GateMaps(std::move(object), *std::move(fence), *std::move(slots), *std::move(left));
}

int GateMaps::program(bool egress) const {
  return bpf_program__fd(
      bpf_object__find_program_by_name(object_.get(), egress ? "hasync_egress" : "hasync_ingress"));
}

int GateMaps::map_fd(const char* name) const {
  return bpf_object__find_map_fd_by_name(object_.get(), name);
}

Status GateMaps::insert(std::span<const Entry> entries) const {
  if (entries.empty()) return Done{};
  std::vector<hasync_sa_key> keys;
  std::vector<__u64> refs;
  for (const Entry& entry : entries) {
    keys.push_back(kernel_key(entry.sa));
    refs.push_back(__u64{entry.slot.generation} << 32 | entry.slot.index);
  }
  const int fd = map_fd("gate");
  auto count = static_cast<__u32>(keys.size());
  if (bpf_map_update_batch(fd, keys.data(), refs.data(), &count, nullptr) == 0) return Done{};
  const int error = errno;
  for (const auto& key : std::span(keys).first(std::min<std::size_t>(count, keys.size()))) {
    bpf_map_delete_elem(fd, &key);
  }
  return failed("insert " + std::to_string(keys.size()) + " SAs", error);
}

Status GateMaps::erase(std::span<const OutboundKey> sas) const {
  const int fd = map_fd("gate");
  for (const OutboundKey& sa : sas) {
    const hasync_sa_key key = kernel_key(sa);
    if (bpf_map_delete_elem(fd, &key) != 0 && errno != ENOENT) return failed("remove an SA", errno);
  }
  return Done{};
}

Result<GateCounters> GateMaps::counters() const {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 1) return failed("number of CPUs", -cpus);
  std::vector<hasync_counters> per_cpu(static_cast<std::size_t>(cpus));
  const std::uint32_t only = 0;
  if (bpf_map_lookup_elem(map_fd("counters"), &only, per_cpu.data()) != 0)
    return failed("read counters", errno);
  GateCounters sums;
  for (const hasync_counters& counted : per_cpu) {
    for (std::size_t reason = 0; reason < HASYNC_REASONS; ++reason) {
      sums.ingress.by_reason.at(reason) += counted.packets[HASYNC_INGRESS][reason];
      sums.egress.by_reason.at(reason) += counted.packets[HASYNC_EGRESS][reason];
    }
    sums.esp_let_in += counted.esp_let_in;
  }
  return sums;
}

}  // namespace hasync::clusterip
