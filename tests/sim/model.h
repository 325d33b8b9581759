// What the simulated machines are made of besides hasyncd: IKE_SAs, the kernel's fence, gate and counters.
#pragma once

#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>
#include <cstdint>
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

// Of one IKE_SA (RFC 7296, section 2.2; one at a time each way, section 2.3), as its context carries them. A
// content is a number for a message's bytes: what is made anew has another one.
struct Messages {
  std::uint32_t answered = 0;  // requests of the peer; the next one has this ID
  std::uint32_t asked = 0;     // own requests, likewise
  std::uint64_t answer = 0;    // content of the last response; 0: there is none
  std::uint64_t request = 0;   // content of the last own request, if it is unanswered; 0: it is not
  bool operator==(const Messages&) const = default;
};

// An IKE_SA as charon holds it. `change` counts up with every change of it, over the whole cluster.
struct IkeSa {
  SaId id;
  std::uint64_t change = 0;
  Messages messages;
  Address peer;
  std::vector<Child> children;
  bool operator==(const IkeSa&) const = default;
};

std::string seal(const IkeSa& sa);
IkeSa unseal(const std::string& sealed);

// A replay window (RFC 4303, section 3.4.3): the highest number, and which of those below were accepted.
class Window {
 public:
  bool accept(std::uint64_t number);
  // All up to here count as seen; `filled` false: none below does, which is a mistake.
  void raise(std::uint64_t top, bool filled);
  std::uint64_t top() const { return top_; }
  static constexpr std::uint64_t kSize = 64;

 private:
  std::uint64_t top_ = 0;
  std::uint64_t seen_ = 0;  // bit n: n below the top
};

inline const Address kVip = Address::v4(192, 0, 2, 251);

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
  // The inbound half has the same SPI here. Anew, its window stands at `top`.
  void add_inbound(const Child& child, std::uint64_t top) {
    inbound_[child.spi] = {child.key_id, child.vpe, {}};
    raise(child.spi, top, true);
  }
  void remove_inbound(EspSpi spi) { inbound_.erase(spi); }
  void flush() {
    sas_.clear();
    inbound_.clear();
  }
  void raise(EspSpi spi, std::uint64_t top, bool filled);
  struct InboundSa {
    std::uint32_t key_id = 0;
    bool vpe = false;  // no ESP comes to it
    Window window;
  };
  using Inbound = boost::container::flat_map<EspSpi, InboundSa>;
  Inbound& inbound() { return inbound_; }

  struct Sa {
    std::uint32_t key_id = 0;
    std::uint64_t used = 0;  // last number
  };
  using Outbound = boost::container::flat_map<OutboundKey, Sa>;
  const Outbound& sas() const { return sas_; }
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
    boost::container::flat_set<std::uint64_t> left;  // the newest of them
  };
  Instant deadline_{};
  boost::container::flat_map<OutboundKey, GateEntry> gates_;
  Outbound sas_;
  Inbound inbound_;
};

}  // namespace hasync::sim
