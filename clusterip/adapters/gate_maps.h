// The loaded eBPF object and its maps: part of BpfGate. Loads, sizes and fills them; attaches nothing.
#pragma once

#include <bpf/libbpf.h>

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "clusterip/adapters/bpf_gate.h"
#include "clusterip/adapters/mapped_array.h"
#include "clusterip/bpf/layout.h"
#include "clusterip/slot_table.h"

namespace hasync::clusterip {

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};

class GateMaps {
 public:
  static Result<GateMaps> load(const BpfGateConfig& config);

  int program(bool egress) const;
  __u64& deadline(std::uint32_t slot) const { return fence_[slot]; }
  hasync_sa_slot& slot(std::uint32_t index) const { return slots_[index]; }
  hasync_left& left(std::uint32_t index) const { return left_[index]; }

  struct Entry {
    OutboundKey sa;
    Slot slot;
  };
  // All or, on error, none.
  Status insert(std::span<const Entry> entries) const;
  Status erase(std::span<const OutboundKey> sas) const;  // those that are not there are passed over
  Result<GateCounters> counters() const;

 private:
  using Object = std::unique_ptr<bpf_object, CloseObject>;
  GateMaps(Object object, MappedArray<__u64> fence, MappedArray<hasync_sa_slot> slots,
           MappedArray<hasync_left> left)
      : object_(std::move(object)),
        fence_(std::move(fence)),
        slots_(std::move(slots)),
        left_(std::move(left)) {}
  int map_fd(const char* name) const;

  Object object_;
  MappedArray<__u64> fence_;
  MappedArray<hasync_sa_slot> slots_;
  MappedArray<hasync_left> left_;
};

}  // namespace hasync::clusterip
