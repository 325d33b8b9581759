// AES-GCM by intel-ipsec-mb's direct calls; in one call where the payload is one piece.
#pragma once

#include <memory>

#include "base/result.h"
#include "vpe/gcm.h"

namespace hasync::vpe {

// Unsupported: not built with the library, or this processor has no AES instructions.
Result<std::unique_ptr<GcmProvider>> make_ipsec_mb_provider();

}  // namespace hasync::vpe
