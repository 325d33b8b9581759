// What standard output is.
#pragma once

#include "haipsec/table.h"

namespace hasync::haipsec {

// A terminal has a width, and colours unless the user wants none (no-color.org); nothing else has either.
Look output_look();

}  // namespace hasync::haipsec
