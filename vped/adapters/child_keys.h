// VPE's keys from those of a CHILD_SA (docs/decisions/0012-vpe-keys.md): HKDF (RFC 5869), so that VPE and the
// kernel's ESP, which has the CHILD_SA's own, never seal under one key.
#pragma once

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"

namespace hasync::vped {

// `keymat`: what KEYMAT has for one direction, 16 or 32 bytes and the salt's four (RFC 4106, section 8.1);
// `spi`: of that direction. As long as the AES key. Invalid: another length.
Result<Secret> derive_vpe_key(BytesView keymat, EspSpi spi);

}  // namespace hasync::vped
