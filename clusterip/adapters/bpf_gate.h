// The gate as two eBPF programs on tc (clusterip/bpf/gate.bpf.c) and their maps.
//
// Life: create() loads closed programs and puts them where those of an earlier run stood, atomically; from
// then on nothing of a VIP passes until deadlines and entries are set. No map is pinned: if this process
// dies, its programs stay attached, hold their maps, and fall silent as the last deadlines run out; the next
// run starts closed and sets its SAs anew. The destructor closes every deadline and leaves the programs
// attached; only detach() lifts the fence, for when the VIP is gone from this node for good.
//
// VIPs are fixed at create(): an address that was fenced by an earlier run and is not listed now is fenced no
// more.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "clusterip/gate.h"

namespace hasync::clusterip {

struct BpfGateConfig {
  std::vector<std::string> interfaces;  // all that can reach a peer, and the LAN side; at least one
  std::vector<Address> vips;            // 1 to 32
  std::uint32_t max_sas = 131072;       // 16 bytes of kernel memory each, and as much again per SA in use
  std::uint16_t ike_port = 500;
  std::uint16_t natt_port = 4500;
};

class BpfGate final : public Gate {
 public:
  // Denied: not privileged. Unsupported, System: what the kernel or an interface lacks, or would let past the
  // gate, is named.
  static Result<std::unique_ptr<BpfGate>> create(const BpfGateConfig& config);
  ~BpfGate() override;
  BpfGate(const BpfGate&) = delete;
  BpfGate& operator=(const BpfGate&) = delete;

  void set_deadline(SegmentId segment, Deadline deadline) override;
  void set_address_deadline(Deadline deadline) override;
  void set_all_deadlines(Deadline deadline) override;

  Status set_sas(std::span<const SaLimits> sas) override;
  void close_sas(std::span<const OutboundKey> sas) override;
  Status remove_sas(std::span<const OutboundKey> sas) override;
  std::optional<std::uint64_t> top(const OutboundKey& sa) const override;
  std::vector<SaTop> tops() const override;
  std::vector<SaTop> moved() override;
  Result<GateCounters> counters() const override;
  Status check() const override;

  // Readable when a filter, qdisc or link changed: call drain_watch() and check().
  int watch_fd() const;
  void drain_watch() const;
  void detach();

  int program_fd_for_test(bool egress) const;

 private:
  struct Kernel;
  explicit BpfGate(std::unique_ptr<Kernel> kernel);
  std::unique_ptr<Kernel> kernel_;
};

}  // namespace hasync::clusterip
