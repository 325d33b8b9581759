// Real-time priority of this process: see sched(7).
#pragma once

#include "base/result.h"

namespace hasync::hasyncd {

Status run_in_real_time();  // threads started from here on as well

}  // namespace hasync::hasyncd
