// Reads capture files into a Checker, in the order of the frames' times, with what FILE.json (written by the
// recorder) says about frames missed.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "testbed/capture/checker.h"

namespace hasync::testbed {

// Several files are parts of one wire: no frame may stand in two of them. An Error: a file that is no
// Ethernet capture or cannot be read. A file that ends within a frame is judged as far as it goes, and booked
// as torn.
Status read_captures(const std::vector<std::string>& files, Checker& checker);

}  // namespace hasync::testbed
