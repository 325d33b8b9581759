// vped's main(), but for who does the cipher: what is shipped has real ones only.
#pragma once

#include "vped/gateway.h"

namespace hasync::vped {

int run_program(int argc, char** argv, const MakesProvider& makes);

}  // namespace hasync::vped
