// The libraries that do AES-GCM: intel-ipsec-mb where it was there when this was built and the processor has
// what it needs (AES-NI and better), OpenSSL everywhere.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "vpe/gcm.h"

namespace hasync::vpe {

// One for each worker, made before it starts. `which`: "ipsec-mb", "openssl", or "auto" for the faster one
// that works here. Unsupported: not built in, or not on this processor; Invalid: no such library.
Result<std::unique_ptr<GcmProvider>> make_gcm_provider(std::string_view which);

}  // namespace hasync::vpe
