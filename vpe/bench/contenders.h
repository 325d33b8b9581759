// What is measured against each other: each seals and opens the same 256 packets over and over, in memory of
// its own, in place.
#pragma once

#include <cstddef>
#include <memory>

#include "vpe/esp.h"

namespace hasync::vpe::bench {

inline constexpr std::size_t kPackets = 256;  // of a pass; at 1420 bytes they fit a second-level cache
inline constexpr std::size_t kBatch = 32;

class Contender {
 public:
  Contender() = default;
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;
  virtual ~Contender() = default;
  virtual void seal() = 0;  // all packets
  virtual void open() = 0;
  // Not passed, of all so far. The packets of a pass that lost some are sealed anew by the next.
  virtual std::size_t lost() const { return 0; }
};

using Made = std::unique_ptr<Contender>;

// By the thread that uses it, so that its memory is near. `size`: bytes of the inner packet. AES-128 all of
// them.
Made copying(std::size_t size);  // memcpy, there and back
Made raw(std::size_t size);  // intel-ipsec-mb's direct calls alone: no header, no window, ICV not compared
Made vpe_engine(std::size_t size, std::uint8_t core);
Made simple_esp(std::size_t size);
Made parallel_esp(std::size_t size, std::shared_ptr<EspNumbers> numbers, std::shared_ptr<EspWindow> window);

}  // namespace hasync::vpe::bench
