// cs_error_t as an Error, with Corosync's own text.
#pragma once

#include <corosync/corotypes.h>

#include <string>

#include "base/result.h"

namespace hasync::hasyncd {

inline Error corosync_error(const std::string& call, cs_error_t code) {
  return {code == CS_ERR_TRY_AGAIN ? Errc::Busy : Errc::System,
          call + ": " + cs_strerror(code) + " (is corosync running, and may this user speak to it?)"};
}

}  // namespace hasync::hasyncd
