#include "clusterip/adapters/bpf_gate.h"

#include <unordered_set>

#include "clusterip/adapters/gate_maps.h"
#include "clusterip/adapters/tc_attachment.h"

namespace hasync::clusterip {
namespace {

// One word, so that the programs never see a floor without its ceiling.
__u64 packed(Limits limits) {
  return static_cast<__u64>(static_cast<__u32>(limits.ceiling)) << 32 | static_cast<__u32>(limits.floor);
}

bool is_same(const Slot& slot, Limits limits) {
  return !slot.closed && slot.limits == limits;
}

__u64 kernel_time(Deadline deadline) {
  return static_cast<__u64>(std::chrono::nanoseconds(deadline.time_since_epoch()).count());
}

}  // namespace

struct BpfGate::Kernel {
  GateMaps maps;
  TcAttachment attachment;
  SlotTable table;

  void store_limits(const Slot& slot) const {
    store_word(maps.slot(slot.index).limits, slot.closed ? __u64{0} : packed(slot.limits));
  }
  void close(const Slot& slot) const { store_word(maps.slot(slot.index).limits, __u64{0}); }

  std::uint64_t top(const Slot& slot) const {
    return widen(load_word(maps.slot(slot.index).top), slot.limits.floor);
  }

  // Closed while it changes; the generation stands before the limits do, as the program reads them the other
  // way.
  void reset(const Slot& slot) const {
    close(slot);
    store_word(maps.slot(slot.index).generation, slot.generation);
    store_word(maps.slot(slot.index).top, static_cast<__u32>(slot.limits.floor));
    store_limits(slot);
  }

  Status check_open(std::span<const SaLimits> sas) const;
};

Status BpfGate::Kernel::check_open(std::span<const SaLimits> sas) const {
  std::unordered_set<SaKey> seen;
  std::size_t fresh = 0;
  for (const SaLimits& sa : sas) {
    if (auto status = check_limits(sa); !status) return status;
    const std::string name = "SA to " + to_string(sa.sa.destination);
    if (!seen.insert(sa.sa).second) return invalid(name + ": listed twice");
    const Slot* slot = table.find(sa.sa);
    if (slot == nullptr) {
      ++fresh;
    } else if (!is_same(*slot, sa.limits) && sa.limits.floor < top(*slot)) {
      return invalid(name + ": floor " + std::to_string(sa.limits.floor) + " is below number " +
                     std::to_string(top(*slot)) + ", up to which it has sent");
    }
  }
  if (fresh <= table.room()) return Done{};
  return Error{Errc::Busy, "gate: no room for " + std::to_string(fresh) + " more SAs (`max_sas`)"};
}

BpfGate::BpfGate(std::unique_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}

Result<std::unique_ptr<BpfGate>> BpfGate::create(const BpfGateConfig& config) {
  auto maps = GateMaps::load(config);
  if (!maps) return maps.error();
  auto attachment = TcAttachment::attach(config.interfaces, maps->program(false), maps->program(true));
  if (!attachment) return attachment.error();
  auto kernel =
      std::make_unique<Kernel>(Kernel{*std::move(maps), *std::move(attachment), SlotTable(config.max_sas)});
  return std::unique_ptr<BpfGate>(new BpfGate(std::move(kernel)));
}

BpfGate::~BpfGate() {
  close_all();
}

void BpfGate::set_deadline(SegmentId segment, Deadline deadline) {
  if (segment.value >= kSegments) return;  // no packet belongs to it, and the next slot is the address
  store_word(kernel_->maps.deadline(segment.value), kernel_time(deadline));
}

void BpfGate::set_address_deadline(Deadline deadline) {
  store_word(kernel_->maps.deadline(HASYNC_ADDRESS_SLOT), kernel_time(deadline));
}

void BpfGate::set_all_deadlines(Deadline deadline) {
  for (std::uint32_t segment = 0; segment < kSegments; ++segment) set_deadline(SegmentId{segment}, deadline);
  set_address_deadline(deadline);
}

Status BpfGate::open_sas(std::span<const SaLimits> sas) {
  if (auto status = kernel_->check_open(sas); !status) return status;
  std::vector<GateMaps::Entry> fresh;
  for (const SaLimits& sa : sas) {
    if (kernel_->table.find(sa.sa) == nullptr) fresh.push_back({sa.sa, kernel_->table.add(sa.sa, sa.limits)});
  }
  for (const auto& entry : fresh) kernel_->reset(entry.slot);
  if (auto status = kernel_->maps.insert(fresh); !status) {
    for (const auto& entry : fresh) {
      kernel_->close(entry.slot);
      kernel_->table.remove(entry.sa);
    }
    return status;
  }
  for (const SaLimits& sa : sas) {
    Slot& slot = *kernel_->table.find(sa.sa);
    if (is_same(slot, sa.limits)) continue;
    slot.limits = sa.limits;
    slot.closed = false;
    kernel_->reset(slot);
  }
  return Done{};
}

Status BpfGate::raise_ceilings(std::span<const SaCeiling> sas) {
  std::vector<std::pair<Slot*, Limits>> changes;
  changes.reserve(sas.size());
  for (const SaCeiling& sa : sas) {
    Slot* slot = kernel_->table.find(sa.sa);
    if (slot == nullptr)
      return Error{Errc::NotFound, "gate: no entry for an SA to " + to_string(sa.sa.destination)};
    auto limits = raised(slot->limits, sa);
    if (!limits) return limits.error();
    changes.emplace_back(slot, *limits);
  }
  for (auto& [slot, limits] : changes) {
    slot->limits = limits;
    kernel_->store_limits(*slot);
  }
  return Done{};
}

void BpfGate::close_sas(std::span<const SaKey> sas) {
  for (const SaKey& sa : sas) {
    Slot* slot = kernel_->table.find(sa);
    if (slot == nullptr) continue;
    slot->closed = true;
    kernel_->store_limits(*slot);
  }
}

Status BpfGate::remove_sas(std::span<const SaKey> sas) {
  close_sas(sas);
  if (auto status = kernel_->maps.erase(sas); !status) return status;
  for (const SaKey& sa : sas) kernel_->table.remove(sa);
  return Done{};
}

std::optional<std::uint64_t> BpfGate::top(const SaKey& sa) const {
  const Slot* slot = kernel_->table.find(sa);
  if (slot == nullptr) return std::nullopt;
  return kernel_->top(*slot);
}

std::vector<SaTop> BpfGate::tops() const {
  std::vector<SaTop> result;
  result.reserve(kernel_->table.all().size());
  for (const auto& [sa, slot] : kernel_->table.all()) result.push_back({sa, kernel_->top(slot)});
  return result;
}

Result<GateCounters> BpfGate::counters() const {
  return kernel_->maps.counters();
}

Status BpfGate::check_attached() const {
  return kernel_->attachment.check();
}

int BpfGate::watch_fd() const {
  return kernel_->attachment.watch_fd();
}

void BpfGate::drain_watch() const {
  kernel_->attachment.drain();
}

void BpfGate::detach() {
  kernel_->attachment.detach();
}

int BpfGate::program_fd_for_test(bool egress) const {
  return kernel_->maps.program(egress);
}

}  // namespace hasync::clusterip
