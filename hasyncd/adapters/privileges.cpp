#include "hasyncd/adapters/privileges.h"

#include <cap-ng.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>

namespace hasync::hasyncd {

namespace {
constexpr auto kInUse = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
}  // namespace

Status drop_privileges(bool gateway) {
  capng_clear(CAPNG_SELECT_ALL);
  int told = capng_update(CAPNG_ADD, kInUse, CAP_IPC_LOCK);
  if (gateway) told |= capng_updatev(CAPNG_ADD, kInUse, CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, -1);
  const int applied = told == 0 ? capng_apply(CAPNG_SELECT_ALL) : told;
  if (applied != 0) {
    return Error{Errc::Denied, "capabilities cannot be dropped (libcap-ng: " + std::to_string(applied) +
                                   "); hasyncd needs those that its service unit names"};
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) return Done{};
  return Error{Errc::System, std::string("no_new_privs: ") + std::strerror(errno)};
}

Status stay_in_memory() {
  if (::mlockall(MCL_CURRENT | MCL_FUTURE) == 0) return Done{};
  return Error{Errc::System, std::string("memory cannot be locked: ") + std::strerror(errno)};
}

}  // namespace hasync::hasyncd
