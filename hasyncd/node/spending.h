// Spending: how fast each outbound SA uses up its numbers, and what follows for its lease.
//
// A lease is as large as what the SA uses in a certain time at its peak, and at least `least`: half of it
// must last while the log stands still (design.md, section 5; hasyncd/relations.h). Refuses to know how a
// lease is granted, or by whom.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "hasyncd/log/replica.h"

namespace hasync::hasyncd {

// What is seen of an outbound SA's numbers.
struct OutboundUse {
  OutboundKey key;
  std::uint64_t used = 0;                // the highest that it has used by now, whether it left or not
  std::uint64_t left = 0;                // the highest that has left through this gate; 0: none is known
  std::optional<std::uint64_t> counted;  // the kernel's counter, where it was asked
  bool operator==(const OutboundUse&) const = default;
};

class Spending {
 public:
  explicit Spending(std::uint64_t least) : least_(least) {}
  // A second at least.
  void leases_last(Duration time) { time_ = std::max(time_, time); }

  struct Need {
    std::uint64_t end = 0;  // ask for a lease up to here; 0: there is enough
    bool overrun = false;   // it has just been found past its lease
    bool rekey = false;     // its number space comes to an end, or its peer might lose count
    bool operator==(const Need&) const = default;
  };
  Need judge(const OutboundUse& use, const LeaseState& lease, Instant now);
  // The highest number of it that is known to have left, by this node or before; 0: none.
  std::uint64_t left(const OutboundKey& key, const LeaseState& lease) const;
  // Forgets SAs without a lease: never holds more SAs than have one.
  void keep(const std::map<OutboundKey, LeaseState>& leases);

 private:
  struct Spender {
    std::uint64_t used = 0;  // when the present window of measurement began
    std::uint64_t left = 0;
    Instant since{};
    std::uint64_t peak = 0;  // numbers per second
    bool over = false;
    Instant asked{};  // for a rekey
  };
  void measure(Spender& spender, const LeaseState& lease, std::uint64_t used, Instant now) const;

  std::uint64_t least_;
  Duration time_ = std::chrono::seconds{1};
  std::map<OutboundKey, Spender> spenders_;
};

// From which number on an SA without ESN is rekeyed: in the last quarter of its numbers, spread by its SPI so
// that SAs of one age do not come at once.
std::uint64_t rekey_from(EspSpi spi);
// How far an SA with ESN may be ahead of what is known to have left before it is rekeyed. A peer follows a
// jump of less than 2^31 (RFC 4303, appendix A2.1); half of that to a quarter less, spread as above.
std::uint64_t jump_limit(EspSpi spi);

}  // namespace hasync::hasyncd
