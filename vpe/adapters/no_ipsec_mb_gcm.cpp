// In the place of ipsec_mb_gcm.cpp where the library was not there when this was built.
#include "vpe/adapters/ipsec_mb_gcm.h"

namespace hasync::vpe {

Result<std::unique_ptr<GcmProvider>> make_ipsec_mb_provider() {
  return Error{Errc::Unsupported, "this was built without intel-ipsec-mb"};
}

}  // namespace hasync::vpe
