// VpeReception: of which VPE CHILD_SAs an owner's vped could be sent old packets
// (docs/decisions/0015-fresh-windows.md), and what closes them: fresh windows, for which their peers are
// asked, or a rekey. Each time in which one vped receives without a break is a reception of its own, with a
// name that no other has.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "hasyncd/node/fresh_windows.h"
#include "hasyncd/node/taken_over.h"

namespace hasync::hasyncd {

class VpeReception {
 public:
  VpeReception(Incarnation process, Duration rekeys_spread) : process_(process.value), open_(rekeys_spread) {}

  // Another one, in which all of these are open.
  void begin(TakenOver::Spis children, Instant now);
  // This vped may have forgotten what it had received.
  void add(EspSpi outbound, EspSpi inbound);
  void ended(EspSpi outbound);
  // Nothing old is taken any more, as was asked for in this reception; of another one it says nothing.
  void closed(EspSpi inbound, std::uint64_t name);
  void read(const std::vector<InboundTop>& tops) { open_.read(tops); }

  std::uint64_t name() const { return process_ + fresh_.begun(); }
  std::size_t size() const { return open_.size(); }
  bool has_just_closed() { return std::exchange(was_open_, size() != 0) && size() == 0; }
  bool lingers() const { return open_.lingers(); }
  // Outbound and inbound, whose peers are to be asked now.
  TakenOver::Spis to_ask(Instant now);
  std::vector<EspSpi> to_rekey(Instant now) { return open_.due(now); }

 private:
  std::uint64_t process_;
  TakenOver open_;
  FreshWindows fresh_;
  bool was_open_ = false;  // when it was last asked
};

}  // namespace hasync::hasyncd
