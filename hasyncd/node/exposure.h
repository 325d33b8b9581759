// Exposure: how many packets that were accepted once could be accepted again (invariant I5).
//
// An owner counts what it lets in, and tells the count with its heartbeats; a reading of its replay windows
// covers what was counted before it began. So what this node's windows do not cover, if it takes over, is
// what was let in after the newest reading that it has whole: counted up to the newest heartbeat, and after
// that no faster than ever before. Refuses to know: SAs, windows, who owns.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "hasyncd/log/agreement.h"
#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

// ESP packets that the programs have let in since they were loaded; the count was read between the two
// moments.
struct LetIn {
  std::uint64_t total = 0;
  Instant before{};
  Instant after{};
};

class Exposure {
 public:
  // `slack`: heartbeats are under way for less than this, and a burst at the peak's rate lasts that long.
  Exposure(Process self, Duration slack) : self_(self), slack_(slack) {}

  // The cluster has no SAs.
  void begin_empty(Instant now);
  // Another node owns, whether or not it is heard. Another's last reading tells nothing of what this one lets
  // in.
  void other_owns(Process owner) {
    others_owned_ = true;
    if (owner != of_) goes_on();
  }
  // What an owner says of its count.
  void heard(const Heartbeat& heartbeat, Instant now);
  // Whatever it has said: the move for which it told a last reading did not come about.
  void goes_on();
  // A reading of that owner is here whole; it counts when charon installs no windows that lack it.
  void hears_whole(Process owner, const Windows& reading) { whole_ = {owner, reading}; }
  void settle();
  void covered(Process owner, const Windows& reading);
  // This node was not there: nobody says what has been let in meanwhile.
  void forget() { behind_.reset(); }

  // This node answers from now on.
  void take(Instant now);
  // As the owner.
  void counted(const LetIn& count);
  void give_up() { answers_ = false; }
  // Its windows were read; the reading began at that count.
  void read(std::uint64_t total);
  // charon installs SAs anew, and their windows will stand where they were read last; it has done so. What
  // arrives meanwhile is in the old ones: how much that is the next count tells.
  void falls_back();
  void fell_back();
  // No SA that could be exposed is there any more.
  void close();

  bool follows(Process owner) const { return owner == of_; }
  // What a takeover at this moment would leave open; as the owner, what is open. Nothing: not known.
  std::optional<std::uint64_t> bound(Instant now) const;
  std::uint64_t let_in() const { return of_ == self_ ? heard_ : 0; }  // of our own reign
  Instant counted_at() const { return counted_at_; }
  std::uint64_t read_at() const { return covered_; }
  std::uint64_t peak() const { return peak_; }
  std::uint64_t open() const {  // to tell others
    return fell_from_ ? kUnknown : behind_.value_or(kUnknown);
  }
  static constexpr std::uint64_t kUnknown = ~0ULL;

 private:
  void follow(Process owner, Instant now);
  void measure(const LetIn& count);
  std::uint64_t since_heard(Instant now) const;
  void count_fallen();

  Process self_;
  Duration slack_;
  Process of_;                           // whose counts these are
  std::optional<std::uint64_t> behind_;  // at `covered_`
  std::uint64_t covered_ = 0;            // count at the newest reading
  std::uint64_t heard_ = 0;              // newest count
  Instant as_of_{};                      // when that was counted, by our clock, or before
  std::optional<std::pair<Process, Windows>> whole_;
  bool last_ = false;
  std::uint64_t peak_ = 0;  // packets per second, of whoever owned
  // Least difference between our clock and the owner's, with the quickest heartbeat: of late, and before.
  std::optional<Duration> offset_;
  std::optional<Duration> offset_before_;
  Instant offset_since_{};
  bool others_owned_ = false;  // since this node did
  // As the owner
  bool answers_ = false;
  std::uint64_t total_ = 0;     // by the programs
  std::uint64_t begun_at_ = 0;  // of that
  Instant counted_at_{};
  std::uint64_t covered_before_ = 0;        // at the reading before
  std::uint64_t fell_at_ = 0;               // what was counted up to here is open because windows fell back
  std::optional<std::uint64_t> fell_from_;  // they have, and are not counted yet: from here
  LetIn rate_from_;                         // where the window begins in which the rate is measured
};

}  // namespace hasync::hasyncd
