#include "hasyncd/adapters/realtime.h"

#include <sched.h>

#include <cerrno>
#include <cstring>

namespace hasync::hasyncd {

namespace {
// Corosync, whose messages are waited for, takes the highest.
constexpr int kBelowHighest = 9;
}  // namespace

Status run_in_real_time() {
  sched_param parameter{};
  parameter.sched_priority = sched_get_priority_max(SCHED_RR) - kBelowHighest;
  if (sched_setscheduler(0, SCHED_RR, &parameter) == 0) return Done{};
  return Error{Errc::System, std::string("real-time priority: ") + std::strerror(errno)};
}

}  // namespace hasync::hasyncd
