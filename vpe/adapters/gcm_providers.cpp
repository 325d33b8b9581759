#include "vpe/adapters/gcm_providers.h"

#include "vpe/adapters/ipsec_mb_gcm.h"
#include "vpe/adapters/openssl_gcm.h"

namespace hasync::vpe {

Result<std::unique_ptr<GcmProvider>> make_gcm_provider(std::string_view which) {
  if (which == "openssl") return make_openssl_provider();
  if (which == "ipsec-mb") return make_ipsec_mb_provider();
  if (which != "auto") return invalid("AES-GCM by: ipsec-mb, openssl or auto");
  auto fast = make_ipsec_mb_provider();
  return fast ? std::move(fast) : make_openssl_provider();
}

}  // namespace hasync::vpe
