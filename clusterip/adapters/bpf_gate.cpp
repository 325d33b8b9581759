#include "clusterip/adapters/bpf_gate.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "clusterip/adapters/gate_maps.h"
#include "clusterip/adapters/link_facts.h"
#include "clusterip/adapters/tc_attachment.h"

namespace hasync::clusterip {
namespace {

// One word, so that the programs never see a floor without its ceiling.
__u64 packed(const Slot& slot) {
  if (slot.closed) return 0;
  return static_cast<__u64>(static_cast<__u32>(slot.ceiling)) << 32 | static_cast<__u32>(slot.floor);
}

__u64 kernel_time(Deadline deadline) {
  return static_cast<__u64>(std::max(deadline, kClosed).count());
}

Status check_links(const std::vector<std::string>& interfaces) {
  const auto links = read_links(interfaces);
  return links ? check_links(*links) : links.error();
}

}  // namespace

struct BpfGate::Kernel {
  std::vector<std::string> interfaces;
  GateMaps maps;
  TcAttachment attachment;
  SlotTable table;
  std::vector<__u32> told;  // by slot: its top when moved() was asked last

  void store_limits(const Slot& slot) const { store_word(maps.slot(slot.index).limits, packed(slot)); }

  std::uint64_t top(const Slot& slot) const {
    return widen(load_word(maps.slot(slot.index).top), slot.floor);
  }

  // The generation stands before the limits do, as the program reads them the other way.
  void begin(const Slot& slot) const {
    store_word(maps.slot(slot.index).generation, slot.generation);
    for (std::uint32_t i = 0; i < HASYNC_LEFT_BLOCKS; ++i) {
      store_word(maps.left(slot.index).blocks[i], __u64{none_left(i, slot.floor)});
    }
    store_word(maps.slot(slot.index).top, static_cast<__u32>(slot.floor));
    store_limits(slot);
  }

  void change(Slot& slot, const SaLimits& to) const {
    const std::uint64_t floor = std::exchange(slot, changed(slot, to, top(slot))).floor;
    if (slot.floor != floor) forget_below(slot);
    store_limits(slot);
    // The top never falls behind the floor, or it would be mistaken for a number ahead of it one day.
    std::atomic_ref<__u32> word(maps.slot(slot.index).top);
    for (__u32 seen = word.load(); widen(seen, slot.floor) < slot.floor;) {
      if (word.compare_exchange_weak(seen, static_cast<__u32>(slot.floor))) break;
    }
  }

  // Nor does a word of what has left, for the same reason. It only ever goes on, here as in the program.
  void forget_below(const Slot& slot) const {
    for (std::uint32_t i = 0; i < HASYNC_LEFT_BLOCKS; ++i) {
      std::atomic_ref<__u64> word(maps.left(slot.index).blocks[i]);
      const __u64 fresh = none_left(i, slot.floor);
      for (__u64 seen = word.load(); is_earlier(seen, fresh);) {
        if (word.compare_exchange_weak(seen, fresh)) break;
      }
    }
  }

  Status check(std::span<const SaLimits> sas) const;
  Status add(std::span<const SaLimits> sas);
};

Status BpfGate::Kernel::check(std::span<const SaLimits> sas) const {
  std::size_t fresh = 0;
  for (const SaLimits& sa : sas) {
    if (sa.ceiling < sa.floor) {
      return invalid("gate: SA " + to_string(sa.key) + ": ceiling " + std::to_string(sa.ceiling) +
                     " is below floor " + std::to_string(sa.floor));
    }
    if (table.find(sa.key) == nullptr) ++fresh;
  }
  if (fresh <= table.room()) return Done{};
  return Error{Errc::Busy, "gate: no room for " + std::to_string(fresh) + " more SAs (`max_sas`)"};
}

Status BpfGate::Kernel::add(std::span<const SaLimits> sas) {
  std::vector<GateMaps::Entry> fresh;
  for (const SaLimits& sa : sas) {
    if (table.find(sa.key) == nullptr) fresh.push_back({sa.key, table.add(sa)});
  }
  for (const auto& entry : fresh) begin(entry.slot);
  auto status = maps.insert(fresh);
  if (status) return status;
  for (auto& entry : fresh) {
    entry.slot.closed = true;
    store_limits(entry.slot);
    table.remove(entry.sa);
  }
  return status;
}

BpfGate::BpfGate(std::unique_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}

Result<std::unique_ptr<BpfGate>> BpfGate::create(const BpfGateConfig& config) {
  if (const Status sound = check_links(config.interfaces); !sound) return sound.error();
  auto maps = GateMaps::load(config);
  if (!maps) return maps.error();
  auto attachment = TcAttachment::attach(config.interfaces, maps->program(false), maps->program(true));
  if (!attachment) return attachment.error();
  auto kernel = std::make_unique<Kernel>(
      Kernel{config.interfaces, *std::move(maps), *std::move(attachment), SlotTable(config.max_sas), {}});
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

Status BpfGate::set_sas(std::span<const SaLimits> sas) {
  if (auto status = kernel_->check(sas); !status) return status;
  if (auto status = kernel_->add(sas); !status) return status;
  for (const SaLimits& sa : sas) kernel_->change(*kernel_->table.find(sa.key), sa);
  return Done{};
}

void BpfGate::close_sas(std::span<const OutboundKey> sas) {
  for (const OutboundKey& sa : sas) {
    Slot* slot = kernel_->table.find(sa);
    if (slot == nullptr) continue;
    slot->closed = true;
    kernel_->store_limits(*slot);
  }
}

Status BpfGate::remove_sas(std::span<const OutboundKey> sas) {
  close_sas(sas);
  if (auto status = kernel_->maps.erase(sas); !status) return status;
  for (const OutboundKey& sa : sas) kernel_->table.remove(sa);
  return Done{};
}

std::optional<std::uint64_t> BpfGate::top(const OutboundKey& sa) const {
  const Slot* slot = kernel_->table.find(sa);
  if (slot == nullptr) return std::nullopt;
  return kernel_->top(*slot);
}

std::vector<SaTop> BpfGate::tops() const {
  std::vector<SaTop> result;
  result.reserve(kernel_->table.all().size());
  for (const auto& [sa, slot] : kernel_->table.all()) result.push_back({sa, kernel_->top(slot), slot.floor});
  return result;
}

// All slots are read, as they lie; the table's entries only of those that there is something to say of.
std::vector<SaTop> BpfGate::moved() {
  std::vector<SaTop> result;
  const auto& keys = kernel_->table.keys();
  kernel_->told.resize(keys.size());
  for (std::uint32_t index = 0; index < keys.size(); ++index) {
    hasync_sa_slot& slot = kernel_->maps.slot(index);
    const __u32 top = load_word(slot.top);
    const bool spent = top == load_word(slot.limits) >> 32;
    if (keys[index] == nullptr || (std::exchange(kernel_->told[index], top) == top && !spent)) continue;
    const Slot& of = *kernel_->table.find(*keys[index]);
    result.push_back({*keys[index], kernel_->top(of), of.floor});
  }
  return result;
}

Result<GateCounters> BpfGate::counters() const {
  return kernel_->maps.counters();
}

Status BpfGate::check() const {
  const Status attached = kernel_->attachment.check();
  return attached ? check_links(kernel_->interfaces) : attached;
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
