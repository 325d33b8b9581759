// Contexts to test with: a complete, valid one, whose keys are made up.
#pragma once

#include <string>

#include "context.pb.h"

namespace hasync {

// IKE_SA 0x1111.. / 0x2222.., AES-GCM-128, one CHILD_SA "net" with SPIs 0xc0000001 (in) and 0xd0000001 (out).
proto::Context sample_context();

// The same with AES-CBC and HMAC everywhere, IPv6, ESN and a window of 128.
proto::Context sample_classic_context();

}  // namespace hasync
