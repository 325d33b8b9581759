// `haipsec check`: what is well on this node and in its cluster, what is not, and what to do about it.
#pragma once

#include "haipsec/commands.h"

namespace hasync::haipsec {

int check(const Options& options);

}  // namespace hasync::haipsec
