// What keeps the keys of a process in it. A program that links this also wipes all of its heap as it is
// freed: keys pass through libraries (Protobuf, Asio) whose temporaries nobody else would wipe.
#pragma once

#include "base/result.h"

namespace hasync {

// From here on: no core dump, and no look into it by other processes of the same user.
Status hide_process();

}  // namespace hasync
