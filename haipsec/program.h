// haipsec's command line. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 hasyncd not reachable; of
// check: 4 there are warnings, 5 there are errors.
#pragma once

#include <functional>

#include "haipsec/commands.h"

namespace hasync::haipsec {

using Command = std::function<int(const Options&)>;

// What needs OpenSSL, Protobuf or Corosync. To load these takes longer than all else that haipsec does, so
// that whoever only asks hasyncd does without them (haipsec/main.cpp).
struct Heavy {
  Command check;
  Command get;
  Command put;
  Command keygen;
  Command key_status;
  Command key_rotate;
  Command key_reload;
  Command key_retire;
};

int run(int argc, char** argv, const Heavy& heavy);

}  // namespace hasync::haipsec
