// What the simulated machines are made of besides hasyncd: IKE_SAs, the kernel's fence, gate and counters.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "hasyncd/node/actions.h"
#include "tests/sim/random.h"

namespace hasync::sim {

// A CHILD_SA's outbound half: `key_id` stands for its keys, whatever address it is used under.
struct Child {
  std::uint32_t key_id = 0;
  EspSpi spi;
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

// What can be broken on purpose, to see that the checker notices.
enum class Mutation {
  None,
  NoFence,               // the kernel does not look at the deadline
  EarlyFence,            // a new owner's fence opens without waiting
  StuckFence,            // a fence, once open, is not closed and not judged by a Move
  NoGate,                // the kernel does not look at the gate
  NoNumbers,             // the outbound counter is never set
  ResponseBeforeStable,  // charon's answers do not wait to be committed
  Forgetful,             // promised and confirmed epochs are lost in a restart, without a word
};

// One node's kernel. It outlives hasyncd and charon, not the machine.
class Kernel {
 public:
  explicit Kernel(Mutation mutation) : mutation_(mutation) {}

  void set_deadline(Instant until) { deadline_ = until; }
  void close_fence();
  bool open(Instant now) const {
    return mutation_ == Mutation::NoFence ? deadline_ != Instant{} : now < deadline_;
  }
  Instant deadline() const { return deadline_; }

  void set_gate(const std::vector<hasyncd::GateLimits>& limits);
  void forget(const std::vector<OutboundKey>& keys);
  void forget_gates() { gates_.clear(); }
  void set_numbers(const std::vector<hasyncd::OutboundNumber>& numbers);

  // charon's part: an SA starts behind `used`.
  void add(const OutboundKey& key, std::uint32_t key_id, std::uint64_t used) { sas_[key] = {key_id, used}; }
  void remove(const OutboundKey& key) { sas_.erase(key); }
  void flush() { sas_.clear(); }

  struct Sa {
    std::uint32_t key_id = 0;
    std::uint64_t used = 0;  // last number
  };
  const std::map<OutboundKey, Sa>& sas() const { return sas_; }
  // The next packet of this SA: its number; whether it may leave says `passes`.
  std::uint64_t encrypt(const OutboundKey& key) { return ++sas_.at(key).used; }
  bool passes(const OutboundKey& key, std::uint64_t number) const;

 private:
  Mutation mutation_;
  Instant deadline_{};
  std::map<OutboundKey, std::pair<std::uint64_t, std::uint64_t>> gates_;
  std::map<OutboundKey, Sa> sas_;
};

}  // namespace hasync::sim
