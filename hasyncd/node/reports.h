// Reports: up to which of charon's reports the log has everything. Output commit counts by it (design.md,
// section 7): what a report tells of may leave once the log's position at that moment is stable.
//
// Numbers go up within one connection to charon. Refuses to know: positions, what is stable, contexts.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "base/ids.h"

namespace hasync::hasyncd {

class Reports {
 public:
  // A report that the log is to have. Several of one IKE_SA go in together.
  void came(SaId sa, std::uint64_t number);
  // What came of this IKE_SA is on its way to the log; is in the log, or needs no place in it; did not get
  // in.
  void sent(SaId sa);
  void logged(SaId sa);
  void refused(SaId sa);
  // charon is another one, or nothing of this concerns the log any more.
  void clear() { *this = Reports{}; }

  // Every report up to here is in the log.
  std::uint64_t settled() const;

 private:
  void wait(SaId sa, std::uint64_t number);

  std::uint64_t last_ = 0;
  std::map<SaId, std::uint64_t> waiting_;    // the oldest one
  std::map<SaId, std::uint64_t> under_way_;  // likewise
  std::set<std::uint64_t> open_;             // all of these
};

}  // namespace hasync::hasyncd
