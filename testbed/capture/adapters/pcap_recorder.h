// Writes the IKE, ESP, ARP and neighbour advertisement frames of one network device to a capture file, with
// nanosecond times, until told to stop; beside it FILE.json, with what the kernel had to drop. Headers only:
// frames are cut at `snap_length`.
#pragma once

#include <csignal>
#include <string>

#include "base/result.h"

namespace hasync::testbed {

struct RecorderOptions {
  std::string device;
  std::string file;
  int snap_length = 192;        // bytes; an IKE message's digest then covers what was kept of it
  int buffer_bytes = 16 << 20;  // of the kernel's ring
};

// Blocks. Creates FILE.ready-to-read content from the first frame on (flushed after each batch).
Status record(const RecorderOptions& options, const volatile std::sig_atomic_t& stop);

}  // namespace hasync::testbed
