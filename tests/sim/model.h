// What the simulated machines are made of besides hasyncd: IKE_SAs, the kernel's fence, gate and counters.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "hasyncd/node/actions.h"
#include "tests/sim/random.h"

namespace hasync::sim {

// A CHILD_SA's outbound half: `key_id` stands for its keys, whatever address it is used under.
struct Child {
  std::uint32_t key_id = 0;
  EspSpi spi;
  bool vpe = false;  // each gateway's vped sends on it; the kernel does not
  bool operator==(const Child&) const = default;
};

// An IKE_SA as charon holds it. `change` counts up with every change of it, over the whole cluster.
struct IkeSa {
  SaId id;
  std::uint64_t change = 0;
  Address peer;
  std::vector<Child> children;
  bool operator==(const IkeSa&) const = default;
};

std::string seal(const IkeSa& sa);
IkeSa unseal(const std::string& sealed);

// One node's kernel. It outlives hasyncd and charon, not the machine.
class Kernel {
 public:
  void set_deadline(Instant until) { deadline_ = until; }
  void close_fence() { deadline_ = Instant{}; }
  bool open(Instant now) const { return now < deadline_; }

  void set_gate(const std::vector<hasyncd::GateLimits>& limits);
  void forget(const std::vector<OutboundKey>& keys);
  void forget_gates() { gates_.clear(); }
  // NEWAE: absolute, whatever has been used.
  void set_number(const hasyncd::OutboundNumber& number);

  // charon's part: an SA starts behind `used`.
  void add(const OutboundKey& key, std::uint32_t key_id, std::uint64_t used) { sas_[key] = {key_id, used}; }
  void remove(const OutboundKey& key) { sas_.erase(key); }
  void flush() { sas_.clear(); }

  struct Sa {
    std::uint32_t key_id = 0;
    std::uint64_t used = 0;  // last number
  };
  const std::map<OutboundKey, Sa>& sas() const { return sas_; }
  // The next packet of this SA: its number; whether it leaves says the gate.
  std::uint64_t encrypt(const OutboundKey& key) { return ++sas_.at(key).used; }
  bool within_limits(const OutboundKey& key, std::uint64_t number) const;
  // The highest number that has left; 0: none that it remembers.
  std::uint64_t left(const OutboundKey& key) const;
  // Once. Those far behind the highest count as gone.
  bool takes(const OutboundKey& key, std::uint64_t number);

 private:
  struct GateEntry {
    std::uint64_t floor = 0;
    std::uint64_t ceiling = 0;
    std::set<std::uint64_t> left;  // the newest of them
  };
  Instant deadline_{};
  std::map<OutboundKey, GateEntry> gates_;
  std::map<OutboundKey, Sa> sas_;
};

}  // namespace hasync::sim
