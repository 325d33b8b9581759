// NodeCounts: what a Node has lived through, to be told (docs/control.md, "Counters").
#pragma once

#include <cstdint>

namespace hasync::hasyncd {

struct NodeCounts {
  std::uint64_t moves = 0;             // this node became the owner
  std::uint64_t lapses = 0;            // its permission ran out
  std::uint64_t suspensions = 0;       // the machine stood still
  std::uint64_t resyncs = 0;           // it had lost the thread of the log
  std::uint64_t void_entries = 0;      // came when their epoch had ended
  std::uint64_t lease_overruns = 0;    // an SA was found past its lease
  std::uint64_t numbers_vanished = 0;  // a number that was set in the kernel was found gone
};

}  // namespace hasync::hasyncd
