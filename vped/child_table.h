// The CHILD_SAs that are VPE, and which of them is sent on: make before break. Knows no clock and no keys.
//
// One of a cluster is sent on only when it has a share, and that is taken once: a CHILD_SA that charon had
// let go and has again is known by its SPI, and the share that it had is not its share any more.
//
// CHILD_SAs of one reqid replace each other. All receive as long as charon has them. Sent on is the newest
// that the peer has for sure: charon would send on it (its outbound SA is not pending), and the peer's vped
// has had time to hear of it. The others' turn comes when they are the oldest that is left.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "vped/child.h"

namespace hasync::vped {

class ChildTable {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // How long after us the peer's vped has heard of a CHILD_SA at most. Well below the time that charon keeps
  // a replaced one for (charon.delete_rekeyed_delay, 5 s).
  static constexpr std::chrono::seconds kSettled{1};

  // Moved: the peer receives elsewhere. Over: it had expired, and the incarnation that came with it is used.
  enum class Told { New, Moved, Known, Over };
  Told told(const Child& child, Time now, bool of_cluster = false);
  // Taken: it may be sent on from now on. Kept: it had one already, and goes on with that. Used: it had this
  // one before it was gone, so it may not have it again.
  enum class Shared { Taken, Kept, Used };
  Shared share(EspSpi in);
  // False: it was not there.
  bool gone(EspSpi in);

  // Charon is asked anew for all there is; what it has not told until synced() is gone, and returned.
  void ask();
  std::vector<EspSpi> synced();
  // Beyond their lifetime without a word from charon; they are gone.
  std::vector<EspSpi> expired(Time now);

  std::set<EspSpi> senders(Time now) const;
  // When senders() or expired() may say something else, without anything being told.
  std::optional<Time> next(Time now) const;

  const Child& at(EspSpi in) const { return entries_.at(in).child; }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Child child;
    std::uint64_t order = 0;  // in which they were told
    Time since;
    std::optional<Time> until;
    bool asked = false;  // and not told since
    bool of_cluster = false;
    bool has_share = false;
  };
  void finish(EspSpi in, const Entry& entry);

  std::map<EspSpi, Entry> entries_;
  struct Over {
    std::optional<Time> until;  // when nobody has its key any more
    bool of_cluster = false;    // charon may let it go and get it back, with the same share
  };
  std::map<EspSpi, Over> over_;  // since charon was asked, with a share
  std::uint64_t told_ = 0;
};

}  // namespace hasync::vped
